"""Texts that become markup, code, requests or something else where they are not shown as text.

Each holds a number of its own. What would run calls `hit(…)`, what would be asked for lies under
`/hostile/…` or at `evil.invalid`, what would be an element has the attribute `data-hostile`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

LISTS = Path(__file__).with_name("texts.txt")
FIRST, FIRST_POLYGLOT = 1_000, 9_000


def hostile_texts() -> list[str]:
    """All of them, each with its number."""
    return [_filled(text, FIRST + at) for at, text in enumerate(_all_but_polyglots())]


def polyglots() -> list[str]:
    """Short ones that break out of every place at once."""
    return [_filled(text, FIRST_POLYGLOT + at) for at, text in enumerate(_sections()["polyglots"])]


def packed(texts: list[str], most: int) -> list[str]:
    """As few texts as hold all of these, none longer than that; what is longer is left out."""
    found = [""]
    for text in texts:
        if len(text) > most:
            continue
        if len(found[-1]) + 1 + len(text) > most:
            found.append("")
        found[-1] = f"{found[-1]} {text}".strip()
    return found


def _filled(text: str, number: int) -> str:
    script = base64.b64encode(f"<script>parent.hit({number})</script>".encode()).decode()
    for sign, value in (("¶", f"/hostile/{number}"), ("№", str(number)), ("¤", script)):
        text = text.replace(sign, value)
    return text


def _all_but_polyglots() -> Iterator[str]:
    for name, lines in _sections().items():
        for line in lines:
            if name == "events":
                yield f"<{line}=hit(№) data-hostile>"
                yield f'<{line}="hit(№)" data-hostile>'
            elif name in ("htmx", "alpine"):
                yield f"<div {line} data-hostile>№"
            elif name == "elements":
                yield f"<{line} data-hostile>№"
            elif name == "unicode":
                yield line.encode("latin-1", "backslashreplace").decode("unicode_escape")
            elif name != "polyglots":
                yield line


def _sections() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    # Not by `splitlines`, for which more than a line feed ends a line.
    for line in LISTS.read_text().split("\n"):
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha():
            name = line[1:-1]
            found[name] = []
        elif name and line.strip():
            found[name].append(line)
    return found
