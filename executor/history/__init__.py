"""Past runs: filters, timelines, totals and retention."""

__all__ = [
    "ended_rows",
    "filters",
    "pruning",
    "quotes",
    "suggestions",
    "timeline",
    "totals",
]
