"""The tables of docs/security.md are those of the checked-in access matrix and of the groups."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from designs.access import GROUPS
from tests import write_security_page
from tests.write_security_page import MATRIX, PAGE, RIGHTS, page_with_tables


def test_the_page_is_not_stale() -> None:
    text = PAGE.read_text()
    assert page_with_tables(text) == text, "run: python -m tests.write_security_page"


def test_a_change_of_the_matrix_makes_it_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tmp_path / "matrix.tsv"
    lines = MATRIX.read_text().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith("executor:execution-list GET"))
    lines[at] = lines[at].replace("200", "403")
    changed.write_text("".join(lines))
    monkeypatch.setattr(write_security_page, "MATRIX", changed)
    assert page_with_tables(PAGE.read_text()) != PAGE.read_text()


def test_every_route_of_the_matrix_is_on_the_page() -> None:
    text = PAGE.read_text()
    rows = [line.split("\t") for line in MATRIX.read_text().splitlines()[1:]]
    shown = [row for row in rows if row[7] != "405"]
    calls = re.findall(r"^\| `(?:GET|POST|PUT|PATCH|DELETE) /", text, re.MULTILINE)
    assert len(calls) == len(shown)


def test_rights_are_permissions_that_groups_have() -> None:
    given = {permission for some in GROUPS.values() for permission in some or ()}
    for words, permission in RIGHTS:
        assert permission.count(".") == 1
        only_administrators = words.startswith(("manage ", "read the audit"))
        assert (permission in given) is not only_administrators, words
