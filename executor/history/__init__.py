"""Past runs: lists, timelines, totals, and what is removed from them."""

__all__ = [
    "ended_rows",
    "filters",
    "pruning",
    "quotes",
    "suggestions",
    "timeline",
    "totals",
]
