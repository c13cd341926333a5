"""The patterns of blocks: their settings, rules and behaviour. Plain Python."""

__all__ = [
    "base",
    "calls",
    "catalogue",
    "comparison",
    "hints",
    "palette",
    "prompts",
]
