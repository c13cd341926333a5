"""Each permission that the code asks for is explained in words, to who gives it."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission

from designs.access import GROUPS
from orchestra.sign_in.words import ABILITIES, words_for
from tests.access_routes import routes
from tests.test_architecture import python_files

pytestmark = pytest.mark.django_db
# `app.verb_model` in quotes.
QUOTED = re.compile(r"[\"']([a-z_]+\.[a-z]+_[a-z_]+)[\"']")


def told() -> set[str]:
    return {name for _, needed in ABILITIES for name in needed}


def asked_for() -> set[str]:
    """Every permission that stands in the code, or that a route or a list of the admin needs."""
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    there = {f"{app}.{codename}" for app, codename in rows}
    files = python_files("designs", "executor", "deployments", "orchestra")
    found = {name for path in files for name in QUOTED.findall(path.read_text())}
    of_routes = {route.permission for route in routes() if route.permission}
    metas = [model._meta for model in admin.site._registry]
    of_admin = {f"{meta.app_label}.view_{meta.model_name}" for meta in metas}
    # A model without permissions of its own asks for those of another, by name.
    return ((found | of_admin) & there) | of_routes


def test_what_the_code_asks_for_has_words() -> None:
    asked = asked_for()
    assert {"deployments.execute_deployment", "axes.delete_accessattempt"} <= asked
    assert asked - told() == set()


def test_words_name_permissions_that_there_are() -> None:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    assert told() <= {f"{app}.{codename}" for app, codename in rows}


def test_an_administrator_may_all_of_it() -> None:
    group = Group.objects.get(name="Administrator")
    have = [
        f"{row.content_type.app_label}.{row.codename}"
        for row in group.permissions.select_related("content_type")
    ]
    assert words_for(have) == [words for words, _ in ABILITIES]


def test_people_are_for_administrators_alone() -> None:
    of_people = {name for name in told() if name.startswith(("auth.", "axes."))}
    assert of_people
    for name, permissions in GROUPS.items():
        if permissions is not None:
            assert not of_people & set(permissions), name
