"""The style page shows every component, to everybody who is signed in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestra.settings import BASE_DIR
from orchestra.style import COLOURS, ICONS

pytestmark = pytest.mark.django_db
STYLES = sorted((BASE_DIR / "static" / "css").glob("*.css"))


def test_both_themes_are_shown(viewer: User, browser_of: Callable[[User], Client]) -> None:
    page = browser_of(viewer).get("/style/").content.decode()
    for theme in ("light", "dark"):
        assert f'data-theme="{theme}"' in page
    for word in ("Timed out", "Not reached", "debate", "--text-2xl"):
        assert page.count(word) >= 2, word
    assert "style=" not in page


def test_it_asks_who_is_there(client: Client) -> None:
    answer: Any = client.get("/style/")
    assert answer["Location"] == "/sign-in/?next=/style/"


def test_every_colour_and_icon_is_shown() -> None:
    tokens = (BASE_DIR / "static/css/tokens.css").read_text()
    declared = set(re.findall(r"--([a-z-]+): light-dark", tokens))
    shown = {name for _, names in COLOURS for name in names.split()}
    # How signs lie on each other, and lines of grounds that are shown.
    assert declared - shown == {
        "on-accent", "focus", "bad-line", "warn-line", "run-line", "chart-grid",
    }  # fmt: skip
    assert shown <= declared
    known = set(
        re.findall(r'name == "(\w+)"', (BASE_DIR / "templates/includes/_icon.html").read_text())
    )
    assert set(ICONS.split()) == known


OTHERS = [path for path in STYLES if path.name != "tokens.css"]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_colours_stand_in_the_tokens_alone(path: Any) -> None:
    # Shades over a page that lies below something are the same in both themes.
    text = path.read_text().replace("rgb(11 13 18 / 45%)", "")
    # The admin's theme has a name of its own for two of them.
    text = re.sub(r"--color-primary-\d+: #\w+;", "", text)
    assert not re.findall(r"#[0-9a-f]{3,8}\b(?=[;\s,)])|rgba?\(|hsl", text)


def test_names_of_tokens_exist() -> None:
    declared = set(re.findall(r"(--[\w-]+):", "".join(path.read_text() for path in STYLES)))
    # The theme of the admin declares its own.
    for path in STYLES:
        used = set(re.findall(r"var\((--[\w-]+)", path.read_text()))
        assert {name for name in used - declared if not name.startswith("--color-")} == set(), path
