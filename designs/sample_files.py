"""Reads the sample designs that come with Orchestra."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """A design to start from; `input_example` is an input that its document accepts."""

    slug: str
    summary: str
    input_example: dict[str, Any]
    document: dict[str, Any]


def load_samples() -> list[Sample]:
    """All samples, by slug. Raises ValueError for a file that is not laid out as one."""
    return [_read(path) for path in sorted(FOLDER.glob("*.json"))]


def _read(path: Path) -> Sample:
    try:
        sample = Sample(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"The sample {path.name} cannot be read: {error}") from error
    if sample.slug != path.stem:
        raise ValueError(f"The sample {path.name} calls itself {sample.slug!r}.")
    # Forms and snippets show it wherever the design goes.
    sample.document["input_schema"].setdefault("examples", [sample.input_example])
    return sample
