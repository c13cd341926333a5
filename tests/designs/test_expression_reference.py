"""The page that shows what expressions can do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.graph.reference import LANGUAGE, entries

pytestmark = pytest.mark.django_db
ADDRESS = "/designs/expressions/"


def test_it_shows_each_function_with_its_example(
    viewer: User, browser_of: Callable[[User], Client]
) -> None:
    page = browser_of(viewer).get(ADDRESS).content.decode()

    for entry in [*entries(), *LANGUAGE["Reading"]]:
        assert entry.usage.partition("(")[0].replace("&", "&amp;") in page
    assert "format_number(1234.5, 2, &#x27;.&#x27;, &#x27;,&#x27;)" in page


def test_whoever_may_not_see_designs_may_not_see_it(
    make_user: Callable[..., User], browser_of: Callable[[User], Client]
) -> None:
    assert browser_of(make_user("nobody")).get(ADDRESS).status_code == 403
