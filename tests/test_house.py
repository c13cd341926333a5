"""The picture of the house, and how many rooms it has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Their names say what is in them.
NAMED_BY_DJANGO = {
    "admin", "formats", "forms", "management", "migrations", "models", "templatetags", "views"
}  # fmt: skip
APPS = ("designs", "executor", "deployments", "orchestra")


def contracts() -> list[dict[str, Any]]:
    """The linter's rules for imports."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def test_the_picture_of_the_house_is_what_the_linter_enforces():
    picture = (ROOT / "docs/architecture.md").read_text().split("## The house")[1].split("```")[1]
    drawn: dict[str, list[str]] = {}
    for line in picture.strip().splitlines():
        if line.startswith(" "):
            drawn[list(drawn)[-1]].append(line.strip().replace("·", "|").replace(">", ":"))
        else:
            drawn[line] = []
    enforced = {
        rule["containers"][0]: rule["layers"]
        for rule in contracts()
        if rule["type"] == "layers" and rule.get("exhaustive")
    }
    assert drawn == enforced
    apps = next(rule["layers"] for rule in contracts() if rule["name"].startswith("Apps"))
    assert list(drawn) == apps


def test_a_newcomer_can_hold_the_house_in_mind():
    for rule in contracts():
        if rule["type"] == "layers":
            assert len(rule["layers"]) <= 8, rule["name"]
    for app in APPS:
        loose = [path.name for path in (ROOT / app).glob("*.py") if path.name != "__init__.py"]
        assert len(loose) <= 12, f"group these: {loose}"


def test_every_package_has_a_front():
    fronts = next(rule["packages"] for rule in contracts() if rule["type"] == "front")
    for app in APPS:
        for path in (ROOT / app).glob("*/__init__.py"):
            name = f"{app}.{path.parent.name}"
            assert path.parent.name in NAMED_BY_DJANGO or name in fronts, name
