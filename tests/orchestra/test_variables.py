"""Every variable that is read is explained and listed, and none that is not read."""

from __future__ import annotations

import re

import pytest

from tests.installations import ROOT

NAME = re.compile(r"\b(?:ORCHESTRA_[A-Z_]+|SECRET_KEY|DATABASE_URL|REDIS_URL|[A-Z]+_API_KEY)\b")
# Set by what starts a process or by tests, not by people.
INNER = {"ORCHESTRA_FAULT_POINT", "ORCHESTRA_PROCESS", "ORCHESTRA_LOCAL_MODEL_URL",
         "ORCHESTRA_LOCAL_MODEL_KEY"}  # fmt: skip


def names(path: str) -> set[str]:
    return set(NAME.findall((ROOT / path).read_text()))


READ = names("orchestra/env.py") - INNER


@pytest.mark.parametrize("path", ["docs/operations.md", ".env.example"])
def test_all_are_explained(path: str) -> None:
    assert len(READ) > 40
    assert names(path) >= READ


def test_the_example_sets_nothing_else() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines if line and line[0] != "#"} == READ
