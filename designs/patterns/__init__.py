"""The patterns that blocks are played by. Plain Python."""

__all__ = [
    "base",
    "catalogue",
    "hints",
    "prompts",
]
