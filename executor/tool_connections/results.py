"""What a model reads of a tool's answer: bounded text without the installation's secrets."""

from __future__ import annotations

import json
from typing import Any

from designs.json_text import to_json
from designs.secrets.masking import masked_output
from executor.engine.tools import ToolOutcome, ToolResult
from executor.models.connection import MAX_CHARACTERS


def told(
    text: str, *, most: int, outcome: ToolOutcome = "done", is_error: bool = False, size: int = 0
) -> ToolResult:
    """The result with at most `most` characters of the text, and how many there were."""
    content = cut(masked_output(_storable(text)), most)
    return ToolResult(content=content, is_error=is_error, outcome=outcome, size=size)


def not_called(sentence: str, *, most: int = 2_000) -> ToolResult:
    """Nothing was sent, and repeating the call would not change that."""
    return told(sentence, most=most, outcome="not_called", is_error=True)


def failed(sentence: str, *, size: int = 0, most: int = 2_000) -> ToolResult:
    """The server answered, but with nothing that can be used."""
    return told(sentence, most=most, outcome="error", is_error=True, size=size)


def for_people(sentence: str) -> str:
    """A sentence with words of a server, which may repeat what it was sent: short, and without the
    installation's secrets.
    """
    found = masked_output(_storable(sentence))
    return found if len(found) <= MAX_CHARACTERS else f"{found[: MAX_CHARACTERS - 1]}…"


def cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[cut: {most:,} of {len(text):,} characters]"


def text_of_parts(parts: list[dict[str, Any]], structured: Any) -> str:
    """The text of an MCP answer; what is no text is named, with its kind and size."""
    texts = [_text_of(part) for part in parts]
    if not any(part.get("type") == "text" for part in parts) and structured is not None:
        texts.insert(0, as_json(structured))
    return "\n".join(texts)


def as_json(value: Any) -> str:
    try:
        return to_json(value).decode()
    except TypeError:
        # Half a character, which JSON can escape but not be written in.
        return json.dumps(value)


def named(kind: str, media_type: str, size: int) -> str:
    """How something that is not sent to models is shown to them."""
    return f"[{kind} of type {media_type or 'unknown'}, {size:,} bytes, not shown]"


def _text_of(part: dict[str, Any]) -> str:
    kind = str(part.get("type", ""))
    if kind == "text":
        return str(part.get("text", ""))
    if kind == "resource":
        resource = part.get("resource") or {}
        if "text" in resource:
            return str(resource["text"])
        return named("a file", resource.get("mimeType", ""), _decoded(resource.get("blob", "")))
    if kind == "resource_link":
        return f"[a link: {part.get('name', '')} {part.get('uri', '')}]"
    words = {"image": "an image", "audio": "a sound"}
    return named(
        words.get(kind, "a part"), str(part.get("mimeType", "")), _decoded(part.get("data", ""))
    )


def _storable(text: str) -> str:
    """Without what databases cannot keep: NUL, and halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _decoded(base64: object) -> int:
    return len(str(base64)) * 3 // 4
