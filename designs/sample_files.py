"""Reads the sample designs that come with Orchestra."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """A design to start from; its document accepts `input_example`."""

    slug: str
    summary: str
    input_example: dict[str, Any]
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of its blocks, in their order."""
        return tuple(dict.fromkeys(block["type"] for block in self.document["blocks"]))


@cache
def known_samples() -> tuple[Sample, ...]:
    """Read once, so never to be changed."""
    return tuple(load_samples())


def load_samples() -> list[Sample]:
    samples = []
    for path in sorted(FOLDER.glob("*.json")):
        sample = Sample(**json.loads(path.read_text(encoding="utf-8")))
        # In the schema, so that forms and snippets of the copied design show it too.
        sample.document["input_schema"].setdefault("examples", [sample.input_example])
        samples.append(sample)
    return samples
