"""Functions of expressions for text, as JMESPath Community has them, and for encodings."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote

from designs.graph.functions import function
from designs.graph.meter import CHARACTERS_PER_STEP, Fault, Meter, measure
from designs.graph.written import written
from designs.strict_json import JsonUnreadable, read_strict_json

_TEXT, _COUNT = ("string",), ("number",)
# Reading JSON, and changing the case of letters, are calls of C code that nothing interrupts.
MAX_JSON = 1_000_000
PIECE = 250_000


def whole(name: str, number: int | float, least: int, most: int) -> int:
    """Raises Fault for anything but a whole number from `least` to `most`."""
    if number != number or not least <= number <= most or number != int(number):
        raise Fault(f"has no value: {name}() needs a whole number from {least:,} to {most:,} there")
    return int(number)


def _limit(name: str, count: int | float | None) -> int:
    """How often at most, as Python takes it: -1 for always."""
    return -1 if count is None else whole(name, count, 0, 10_000_000)


@function("lower", _TEXT)
def _lower(meter: Meter, text: str) -> str:
    return _cased(meter, text, str.lower)


@function("upper", _TEXT)
def _upper(meter: Meter, text: str) -> str:
    return _cased(meter, text, str.upper)


def _cased(meter: Meter, text: str, change: Any) -> str:
    meter.write(len(text))
    meter.step(len(text) // 16)
    if text.isascii():
        return str(change(text))
    changed = "".join(_changed(text, change))
    # Some letters become two or three.
    meter.write(max(0, len(changed) - len(text)))
    return changed


def _changed(text: str, change: Any) -> list[str]:
    """In pieces that end behind a space: the form of a sigma depends on the letters beside it."""
    pieces, at = [], 0
    while at < len(text):
        space = text.rfind(" ", at, at + PIECE)
        end = space + 1 if space >= at else at + PIECE
        pieces.append(change(text[at:end]))
        at = end
    return pieces


@function("trim", _TEXT, _TEXT, optional=1)
def _trim(meter: Meter, text: str, characters: str | None = None) -> str:
    _charge_trim(meter, text, characters)
    return text[_first_kept(text, characters) : _last_kept(text, characters)]


@function("trim_left", _TEXT, _TEXT, optional=1)
def _trim_left(meter: Meter, text: str, characters: str | None = None) -> str:
    _charge_trim(meter, text, characters)
    return text[_first_kept(text, characters) :]


@function("trim_right", _TEXT, _TEXT, optional=1)
def _trim_right(meter: Meter, text: str, characters: str | None = None) -> str:
    _charge_trim(meter, text, characters)
    return text[: _last_kept(text, characters)]


def _first_kept(text: str, characters: str | None) -> int:
    """In pieces, because no call of C code is to take long."""
    at = 0
    while at < len(text):
        piece = text[at : at + PIECE]
        kept = len(piece.lstrip(characters or None))
        at += len(piece) - kept
        if kept:
            break
    return at


def _last_kept(text: str, characters: str | None) -> int:
    end = len(text)
    while end > 0:
        piece = text[max(0, end - PIECE) : end]
        kept = len(piece.rstrip(characters or None))
        end -= len(piece) - kept
        if kept:
            break
    return end


def _charge_trim(meter: Meter, text: str, characters: str | None) -> None:
    # Each character of the text is looked for among the others.
    meter.step(len(text) * (1 + len(characters or "") // 8) // CHARACTERS_PER_STEP)
    meter.write(len(text))


@function("split", _TEXT, _TEXT, _COUNT, optional=1)
def _split(meter: Meter, text: str, separator: str, most: int | float | None = None) -> list[str]:
    limit = _limit("split", most)
    count = text.count(separator) if limit < 0 else min(limit, text.count(separator))
    meter.write(len(text))
    meter.make(count + 1)
    meter.step(count)
    if separator:
        return text.split(separator, limit)
    # Nothing stands between any two characters.
    first = list(text) if limit < 0 else list(text[:limit])
    rest = "" if limit < 0 else text[limit:]
    return [*first, rest] if rest else first


@function("replace", _TEXT, _TEXT, _TEXT, _COUNT, optional=1)
def _replace(meter: Meter, text: str, old: str, new: str, most: int | float | None = None) -> str:
    limit = _limit("replace", most)
    count = text.count(old) if limit < 0 else min(limit, text.count(old))
    meter.step(count)
    meter.write(len(text) + count * max(0, len(new) - len(old)))
    return text.replace(old, new, limit)


@function("pad_left", _TEXT, _COUNT, _TEXT, optional=1)
def _pad_left(meter: Meter, text: str, width: int | float, pad: str = " ") -> str:
    return text.rjust(_width("pad_left", meter, text, width, pad), pad)


@function("pad_right", _TEXT, _COUNT, _TEXT, optional=1)
def _pad_right(meter: Meter, text: str, width: int | float, pad: str = " ") -> str:
    return text.ljust(_width("pad_right", meter, text, width, pad), pad)


def _width(name: str, meter: Meter, text: str, width: int | float, pad: str) -> int:
    if len(pad) != 1:
        raise Fault(f"has no value: {name}() fills with one character, not with {len(pad)}")
    characters = whole(name, width, 0, 10_000_000)
    meter.write(max(characters, len(text)))
    return characters


@function("substring", _TEXT, _COUNT, _COUNT, optional=1)
def _substring(meter: Meter, text: str, start: float, end: float | None = None) -> str:
    first, last = _range("substring", text, start, end)
    meter.write(last - first)
    return text[first:last]


@function("find_first", _TEXT, _TEXT, _COUNT, _COUNT, optional=2)
def _find_first(
    meter: Meter, text: str, part: str, start: float = 0, end: float | None = None
) -> int | None:
    within = _range("find_first", text, start, end)
    found = text.find(part, *within) if part else -1
    return None if found < 0 else found


@function("find_last", _TEXT, _TEXT, _COUNT, _COUNT, optional=2)
def _find_last(
    meter: Meter, text: str, part: str, start: float = 0, end: float | None = None
) -> int | None:
    first, last = _range("find_last", text, start, end)
    if not part or len(part) > len(text):
        return None
    # Backwards, because Python finds forwards in linear time only.
    meter.write(len(text) + len(part))
    found = text[first:last][::-1].find(part[::-1])
    return None if found < 0 else first + len(text[first:last]) - found - len(part)


def _range(name: str, text: str, start: float, end: float | None) -> tuple[int, int]:
    """Places from the end are negative, as in slices."""
    most = 10_000_000
    places = (
        whole(name, start, -most, most),
        whole(name, most if end is None else end, -most, most),
    )
    first, last, _ = slice(*places).indices(len(text))
    return first, max(first, last)


# --- Encodings ------------------------------------------------------------------------------------


@function("base64_encode", _TEXT)
def _base64_encode(meter: Meter, text: str) -> str:
    data = text.encode()
    meter.write(len(data) * 4 // 3 + 4)
    return base64.b64encode(data).decode()


@function("base64_decode", _TEXT)
def _base64_decode(meter: Meter, text: str) -> str:
    meter.write(len(text))
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        decoded = data.decode()
    except (binascii.Error, ValueError):
        raise Fault("has no value: base64_decode() needs Base64 of text in UTF-8") from None
    if "\0" in decoded:
        raise Fault("has no value: base64_decode() found a NUL character, which cannot be stored")
    return decoded


@function("url_encode", _TEXT)
def _url_encode(meter: Meter, text: str) -> str:
    data = text.encode()
    meter.step(len(data) // 8)
    meter.write(3 * len(data))
    return quote(data, safe="")


@function("sha256", _TEXT)
def _sha256(meter: Meter, text: str) -> str:
    data = text.encode()
    meter.step(len(data) // 16)
    return hashlib.sha256(data).hexdigest()


@function("json", ("any",))
def _json(meter: Meter, value: Any) -> str:
    meter.step(measure(value, meter))
    text = written(value)
    meter.write(len(text))
    return text


@function("parse_json", _TEXT)
def _parse_json(meter: Meter, text: str) -> Any:
    if len(text) > MAX_JSON:
        raise Fault(f"has no value: parse_json() reads at most {MAX_JSON:,} characters")
    values = text.count(",") + text.count("[") + text.count("{") + 1
    meter.step(len(text) // 16 + 2 * values)
    meter.make(values)
    meter.write(len(text))
    try:
        return read_strict_json(text)
    except JsonUnreadable as error:
        reason = str(error)
        raise Fault(f"has no value: parse_json() cannot read it. {reason.rstrip('.')}") from None
