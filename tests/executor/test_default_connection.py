"""The model connection that is chosen as the default: by whom it is asked, and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from executor.connections import choose_default, delete_connection
from executor.errors import ConnectionInvalid
from executor.language_models import chosen_default
from executor.language_models.registry import default_models
from executor.models import ModelConnection
from tests.admin_pages import text_of
from tests.executor.connections import change, connect
from tests.model_server import ModelServer, model_server

# Tests are made on another thread, which has a database connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)
Browser = Callable[[User], Client]
LIST = "/connections/"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as started:
        yield started


@pytest.fixture(autouse=True)
def no_default(settings: Any) -> Iterator[None]:
    """The environment names no model, and no test leaves a default behind."""
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, model="")
    yield
    chosen_default.remember_default(None)


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def page_of(row: ModelConnection, verb: str) -> str:
    return reverse(f"executor:connection-{verb}", args=[row.pk])


def test_the_default_is_chosen_and_changed(browser: Client, server: ModelServer) -> None:
    first, second = connect(server, "first"), connect(server, "second")
    before = default_models()
    browser.post(page_of(first, "default"))
    assert default_models() == ("first",)
    page = browser.post(page_of(second, "default"), follow=True)
    assert default_models() == ("second",)
    assert page.context["default"] == "second"
    change(second, is_enabled=False)
    assert default_models() == before
    second.refresh_from_db()
    assert second.is_default
    delete_connection(connection=second)
    assert default_models() == before


def test_the_admin_sets_it_too(
    browser: Client, viewer: User, browser_of: Browser, server: ModelServer
) -> None:
    row = connect(server, "first")
    url = reverse("admin:executor_modelconnection_change", args=[row.pk])
    verb = url.replace("/change/", "/set-default/")
    assert "Set as default" in text_of(browser.get(verb))
    browser.post(verb)
    assert default_models() == ("first",)
    assert browser_of(viewer).post(verb).status_code in (302, 403)
    change(row, is_enabled=False)
    assert "Enable it first" in text_of(browser.post(verb, follow=True))


def test_a_default_can_be_asked(server: ModelServer) -> None:
    row = connect(server, default_model="")
    with pytest.raises(ConnectionInvalid, match="cannot be kept"):
        choose_default(connection=row)
    change(row, default_model="small", is_enabled=False)
    with pytest.raises(ConnectionInvalid):
        choose_default(connection=row)
    change(row, is_enabled=True)
    choose_default(connection=row)
    with pytest.raises(ConnectionInvalid):
        change(row, default_model="")
    assert default_models() == ("vllm",)


def test_there_is_one_default_at_most(server: ModelServer) -> None:
    choose_default(connection=connect(server, "first"))
    second = connect(server, "second")
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelConnection.objects.filter(pk=second.pk).update(is_default=True)


def test_an_older_copy_does_not_take_the_default_back(server: ModelServer) -> None:
    first, second = connect(server, "first"), connect(server, "second")
    choose_default(connection=first)
    stale = ModelConnection.objects.get(pk=first.pk)
    choose_default(connection=second)
    change(stale, timeout_seconds=60)
    assert ModelConnection.objects.get(is_default=True).pk == second.pk


def test_any_name_may_be_the_default(server: ModelServer) -> None:
    choose_default(connection=connect(server, "unread"))
    assert default_models() == ("unread",)


async def test_an_event_loop_never_reads_the_default() -> None:
    chosen_default.forget_default()
    assert chosen_default.chosen_default() is None


def test_the_environment_comes_first(browser: Client, server: ModelServer, settings: Any) -> None:
    choose_default(connection=connect(server))
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, model="offline:stand-in")
    assert default_models() == ("offline:stand-in",)
    assert "ORCHESTRA_MODEL" in text_of(browser.get(LIST))
