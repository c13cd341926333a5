"""HTTP tools: from a tool's description and a model's arguments to a request, and back to text.

A description is `{"method", "path", "query", "headers", "body"}`. Texts in it name arguments as
`{order_id}`: a text that is nothing else takes the argument as it is, others take its text. In
paths arguments are encoded. What names an argument that is not given is left out, except in paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from designs.json_text import to_json

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
READS = frozenset({"GET", "HEAD"})
MAX_PATH = 1_000
MAX_ENTRIES = 50
MAX_TEXT = 2_000
MAX_DEPTH = 10
# The longest URL that servers take for certain.
MAX_URL = 8_000
ARGUMENT = re.compile(r"\{([A-Za-z0-9_.-]{1,64})\}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
# The connection decides these, or the transport does.
OWN_HEADERS = frozenset(
    {
        "authorization", "connection", "content-length", "content-type", "cookie", "host",
        "idempotency-key", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_MISSING = object()


class ArgumentsUnfit(Exception):
    """No request can be made of these arguments; the message is a sentence for the model."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`url` begins with the connection's address."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""


def check_description(http: Any, input_schema: dict[str, Any]) -> list[str]:
    """Sentences about what is wrong with a description; none if it can be used."""
    if not isinstance(http, dict) or set(http) - {"method", "path", "query", "headers", "body"}:
        return ["Write an object with method, path, query, headers and body."]
    wrong = _wrong_places(http)
    if not wrong:
        known = input_schema.get("properties")
        unknown = sorted(_named(http) - set(known if isinstance(known, dict) else {}))
        if unknown:
            wrong.append(f"The input schema has no property {unknown[0]}, which is used here.")
    return wrong


def _wrong_places(http: dict[str, Any]) -> list[str]:
    wrong = []
    if http.get("method") not in METHODS:
        wrong.append(f"The method is one of {', '.join(METHODS)}.")
    if not _is_path(http.get("path")):
        wrong.append("The path begins with /, without ?, # and spaces, as in /orders/{order_id}.")
    wrong += _wrong_entries("query", http.get("query") or {})
    headers = http.get("headers") or {}
    wrong += _wrong_entries("headers", headers)
    for name in headers if isinstance(headers, dict) else ():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in OWN_HEADERS:
            wrong.append(f"The header {name[:50]} cannot be set here.")
    if _depth(http.get("body")) > MAX_DEPTH:
        wrong.append(f"The body is nested deeper than {MAX_DEPTH}.")
    return wrong


def _is_path(path: Any) -> bool:
    return (
        isinstance(path, str)
        and path.startswith("/")
        and len(path) <= MAX_PATH
        and path.isascii()
        and path.isprintable()
        and not any(sign in path for sign in "?#\\ ")
        and not any(part in (".", "..") for part in path.split("/"))
    )


def _wrong_entries(place: str, entries: Any) -> list[str]:
    if not isinstance(entries, dict) or len(entries) > MAX_ENTRIES:
        return [f"{place} is an object with at most {MAX_ENTRIES} entries."]
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in entries.values()):
        return [f"The values of {place} are texts, as in {{limit}}."]
    return []


def build_request(base: str, http: dict[str, Any], arguments: dict[str, Any]) -> HttpRequest:
    """Raises ArgumentsUnfit."""
    url = base.rstrip("/") + _path(http["path"], arguments)
    pairs = [
        (name, _text(item))
        for name, template in (http.get("query") or {}).items()
        for item in _items(_filled(template, arguments))
    ]
    if pairs:
        url = f"{url}?{urlencode(pairs, quote_via=quote)}"
    if len(url) > MAX_URL:
        raise ArgumentsUnfit(f"The address would have {len(url):,} characters; shorten the values.")
    headers = _headers(http.get("headers") or {}, arguments)
    body = _filled(http.get("body"), arguments)
    if http.get("body") is None or body is _MISSING:
        return HttpRequest(http["method"], url, headers)
    headers["Content-Type"] = "application/json"
    return HttpRequest(http["method"], url, headers, to_json(body))


def _path(template: str, arguments: dict[str, Any]) -> str:
    def encoded(match: re.Match[str]) -> str:
        value = arguments.get(match[1], _MISSING)
        text = "" if value is _MISSING or value is None else _text(value)
        if text in ("", ".", ".."):
            raise ArgumentsUnfit(f"{match[1]} is part of an address: it needs a value.")
        return quote(text, safe="")

    path = ARGUMENT.sub(encoded, template)
    if any(part in (".", "..") for part in path.split("/")):
        raise ArgumentsUnfit("These values would lead to another address.")
    return path


def _headers(templates: dict[str, str], arguments: dict[str, Any]) -> dict[str, str]:
    headers = {}
    for name, template in templates.items():
        value = _filled(template, arguments)
        if value is _MISSING:
            continue
        text = _text(value)
        if not text.isascii() or not text.isprintable() or len(text) > MAX_TEXT:
            raise ArgumentsUnfit(f"What is sent as {name} has plain printable characters only.")
        headers[name] = text
    return headers


def _filled(template: Any, arguments: dict[str, Any]) -> Any:
    """The template with its arguments; _MISSING if it names one that is not given."""
    if isinstance(template, dict):
        filled = {key: _filled(value, arguments) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not _MISSING}
    if isinstance(template, list):
        items = (_filled(value, arguments) for value in template)
        return [item for item in items if item is not _MISSING]
    if not isinstance(template, str):
        return template
    whole = ARGUMENT.fullmatch(template)
    if whole is not None:
        return arguments.get(whole[1], _MISSING)
    if any(name not in arguments for name in ARGUMENT.findall(template)):
        return _MISSING
    return ARGUMENT.sub(lambda match: _text(arguments[match[1]]), template)


def _items(value: Any) -> list[Any]:
    if value is _MISSING or value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


def _named(value: Any) -> set[str]:
    """The names of all arguments in a description."""
    if isinstance(value, str):
        return set(ARGUMENT.findall(value))
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {name for part in parts for name in _named(part)}


def _depth(value: Any, above: int = 0) -> int:
    if above > MAX_DEPTH:
        return above
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(part, above + 1) for part in parts), default=above)
