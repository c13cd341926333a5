"""Past runs: filters, timelines, totals and retention."""

__all__ = [
    "ended_rows",
    "filters",
    "outputs",
    "placeholders",
    "pruning",
    "quotes",
    "recent",
    "suggestions",
    "timeline",
    "totals",
    "version_use",
]
