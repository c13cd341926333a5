"""Past runs: filters, timelines, totals and retention."""

__all__ = [
    "counting",
    "ended_rows",
    "exports",
    "filters",
    "notes",
    "outputs",
    "placeholders",
    "pruning",
    "quotes",
    "recent",
    "saved_views",
    "sorting",
    "suggestions",
    "timeline",
    "totals",
    "version_use",
]
