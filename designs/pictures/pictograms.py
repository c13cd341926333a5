"""The shapes of block types and of states, once for pages, pictures and the designer."""

from __future__ import annotations

# Paths in a square of 24, drawn with a line of 1.6 and round ends.
_CIRCLE = "M{x} {y}m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0"


def _dot(x: float, y: float, r: float) -> str:
    return _CIRCLE.format(x=x, y=y, r=r, d=round(2 * r, 2))


def _joined(*pieces: str) -> str:
    return "".join(pieces)


_FRAME = (
    "M5 3.5h14A1.5 1.5 0 0 1 20.5 5v14a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 19V5"
    "A1.5 1.5 0 0 1 5 3.5z"
)

PICTOGRAMS: dict[str, str] = {
    # A chain.
    "sequential": _joined(
        _dot(4.5, 12, 2.1), _dot(12, 12, 2.1), _dot(19.5, 12, 2.1), "M6.6 12h3.3M14.1 12h3.3"
    ),
    # A fan.
    "parallel": _joined(
        _dot(4, 12, 1.9),
        "M5.9 12H8c1.5 0 1.5-6.5 3-6.5h2.5M8 12h5.5M8 12c1.5 0 1.5 6.5 3 6.5h2.5",
        *(_dot(16.5, y, 1.9) for y in (5.5, 12, 18.5)),
    ),
    # A tree.
    "hierarchical": _joined(
        "M10.3 3.5h3.4a1.3 1.3 0 0 1 1.3 1.3v2.4a1.3 1.3 0 0 1-1.3 1.3h-3.4",
        "A1.3 1.3 0 0 1 9 7.2V4.8a1.3 1.3 0 0 1 1.3-1.3z",
        "M12 8.5v4M5 16v-1.5a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2V16M12 12.5V16",
        *(_dot(x, 18, 2) for x in (5, 12, 19)),
    ),
    # Two speech bubbles.
    "debate": _joined(
        "M3.5 4.5h9.5a1 1 0 0 1 1 1V11a1 1 0 0 1-1 1H8l-3 2.7V12H3.5a1 1 0 0 1-1-1V5.5",
        "a1 1 0 0 1 1-1z",
        "M17.5 9h3a1 1 0 0 1 1 1v5.5a1 1 0 0 1-1 1H19v2.7l-3-2.7h-4a1 1 0 0 1-1-1v-.5",
    ),
    # A fork with one dashed arm.
    "routing": _joined(
        _dot(4.5, 12, 2),
        "M6.5 12H10l5.5-5.5H20M17.5 4l2.5 2.5L17.5 9",
        "M10.9 12.9l.5.5M13.25 15.25l1.42 1.42M16.9 17.5h.6M19.5 17.5h.5",
    ),
    # Arrows in a circle.
    "reflection": _joined(
        "M18.5 9A7 7 0 0 0 5.6 8.6M5.5 15A7 7 0 0 0 18.4 15.4",
        "M18.8 4.8V9.2h-4.4M5.2 19.2v-4.4h4.4",
        _dot(12, 12, 1.6),
    ),
    # Braces.
    "transform": _joined(
        "M8.5 4.5c-2.2 0-3 1-3 2.8v2.2c0 1.5-.8 2.5-2 2.5 1.2 0 2 1 2 2.5v2.2",
        "c0 1.8.8 2.8 3 2.8",
        "M15.5 4.5c2.2 0 3 1 3 2.8v2.2c0 1.5.8 2.5 2 2.5-1.2 0-2 1-2 2.5v2.2",
        "c0 1.8-.8 2.8-3 2.8M9.5 12h5",
    ),
    # A globe.
    "http": _joined(
        _dot(12, 12, 8.5),
        "M3.5 12h17M12 3.5c2.4 2.3 3.6 5.1 3.6 8.5s-1.2 6.2-3.6 8.5",
        "c-2.4-2.3-3.6-5.1-3.6-8.5S9.6 5.8 12 3.5",
    ),
    # A tick on a sheet.
    "approval": _joined(
        "M7 3.5h10a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H7",
        "A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5zM9 12.5l2.2 2.2 4.1-4.7",
    ),
    # A graph in a frame.
    "subdesign": _joined(
        _FRAME,
        "M9.6 12h2.2c1.4 0 1.2-3 2.6-3M11.8 12c1.4 0 1.2 3 2.6 3",
        *(_dot(x, y, 1.6) for x, y in ((8, 12), (16, 9), (16, 15))),
    ),
    # One thing for each of a list.
    "map": _joined(
        *(f"M3.5 {y}h12M13.5 {y - 2}l2 2-2 2" for y in (6, 12, 18)),
        *(_dot(19, y, 1.5) for y in (6, 12, 18)),
    ),
    # Arrows round and round.
    "loop": _joined(
        "M4 12V9.5A3.5 3.5 0 0 1 7.5 6H19M16 3l3 3-3 3",
        "M20 12v2.5a3.5 3.5 0 0 1-3.5 3.5H5M8 21l-3-3 3-3",
    ),
    # An hourglass.
    "wait": _joined(
        "M6.5 3.5h11M6.5 20.5h11",
        "M8 3.5v3c0 2.5 4 3.8 4 5.5s-4 3-4 5.5v3",
        "M16 3.5v3c0 2.5-4 3.8-4 5.5s4 3 4 5.5v3",
    ),
}
UNKNOWN_TYPE = _FRAME

# The word of each state, and its sign in a square of 16: paths by how they are drawn. `fill` is
# filled, `cut` a line in the colour of the ground on it, `line` a line, `faint` a pale line, `dash`
# a dashed one.
_RING = _dot(8, 8, 6.3)
_DISC = _dot(8, 8, 7)
Sign = tuple[tuple[str, str], ...]
STATES: dict[str, tuple[str, Sign]] = {
    "completed": ("Completed", (("fill", _DISC), ("cut", "m4.9 8.2 2.1 2.1 4.1-4.3"))),
    "failed": (
        "Failed",
        (
            ("fill", "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"),
            ("cut", "m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"),
        ),
    ),
    "timed_out": ("Timed out", (("line", _RING + "M8 4.4V8l2.4 1.6"),)),
    "running": ("Running", (("faint", _dot(8, 8, 6.2)), ("line", "M8 1.8a6.2 6.2 0 0 1 6.2 6.2"))),
    "degraded": (
        "Degraded",
        (("fill", "M8 1.5 15 14.3H1z"), ("cut", "M8 6v3.8M8 12v.1")),
    ),
    "waiting": ("Waiting", (("line", _RING + "M6.3 5.6v4.8M9.7 5.6v4.8"),)),
    "queued": ("Queued", (("dash", _RING),)),
    "skipped": ("Skipped", (("dash", _RING), ("line", "M5 8h6"))),
    "not_reached": ("Not reached", (("faint", _RING),)),
    "pending": ("Not started", (("faint", _RING),)),
    "cancelled": ("Cancelled", (("line", _RING + "m3.8 12.2 8.4-8.4"),)),
}
