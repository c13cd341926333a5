"""Comparing two documents, with the defaults of all patterns."""

from __future__ import annotations

from functools import cache
from typing import Any

from designs.graph.compare import Comparison, compare_documents
from designs.patterns.catalogue import PALETTE


def compare_designs(before: object, after: object) -> Comparison:
    """Compare any two values as designs' documents. Never raises."""
    return compare_documents(before, after, default_settings())


@cache
def default_settings() -> dict[str, dict[str, Any]]:
    """By type of block. A setting that has to be given has none."""
    return {
        pattern.type: {
            name: info.get_default(call_default_factory=True)
            for name, info in pattern.settings_type.model_fields.items()
            if not info.is_required()
        }
        for pattern in PALETTE.values()
    }
