"""All functions of expressions, from the modules that hold them."""

from __future__ import annotations

import difflib

from designs.graph import date_functions, list_functions, number_functions, text_functions
from designs.graph.functions import FUNCTIONS, Each, Function

__all__ = ["FUNCTIONS", "Each", "Function", "no_function"]

# Each adds its functions to FUNCTIONS when it is loaded.
PARTS = (text_functions, list_functions, number_functions, date_functions)


def no_function(name: str) -> str:
    """A part of a sentence about a function that is not there, with similar ones."""
    near = difflib.get_close_matches(name[:80], FUNCTIONS, n=2)
    similar = f"; similar: {', '.join(f'{other}()' for other in near)}" if near else ""
    return f"there is no function {name[:80]}(){similar}"
