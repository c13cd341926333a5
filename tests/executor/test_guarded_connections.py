"""Model connections that no administrator made lead to public addresses only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client

from designs.access import Caller, caller_of
from executor.connections import save_connection
from executor.engine.llm.base import ErrorKind
from executor.errors import ConnectionInvalid
from executor.language_models.registry import model_registry
from executor.models import ModelConnection
from tests.admin_pages import act, saved, text_of, url_of
from tests.executor.connections import KEY, Process, connect
from tests.model_server import ModelServer, model_server

pytestmark = pytest.mark.django_db(transaction=True)
ADD = "/admin/executor/modelconnection/add/"
INNER = (
    "http://127.0.0.1:PORT/v1", "http://[::1]:PORT/v1", "http://[::ffff:127.0.0.1]:PORT/v1",
    "http://0.0.0.0:PORT/v1", "http://10.0.0.1/v1", "http://169.254.169.254/v1",
    "http://2130706433:PORT/v1", "http://0x7f.1:PORT/v1", "http://localhost.:PORT/v1",
    "http://127.1:PORT/v1", "http://[64:ff9b::7f00:1]:PORT/v1",
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[ModelServer]:
    model_registry().connections.expire()
    with model_server() as found:
        yield found


@pytest.fixture
def keeper(make_user: Callable[..., User]) -> User:
    """May keep model connections, but not change people's rights."""
    found = make_user("keeper", is_staff=True)
    rights = Permission.objects.filter(codename__endswith="_modelconnection")
    found.user_permissions.set(rights)
    return found


@pytest.fixture
def caller(keeper: User) -> Caller:
    return caller_of(keeper)


def made(caller: Caller, url: str, **fields: Any) -> ModelConnection:
    row = ModelConnection(name="theirs", base_url=url, default_model="small", **fields)
    save_connection(connection=row, new_key=KEY, caller=caller)
    return row


@pytest.mark.parametrize("spelling", INNER)
def test_an_inner_address_is_refused_as_it_is_typed(
    caller: Caller, server: ModelServer, spelling: str
) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        made(caller, spelling.replace("PORT", str(server.port)))
    assert list(caught.value.errors) == ["base_url"]
    assert not ModelConnection.objects.exists()


async def test_a_name_is_judged_when_it_is_asked(caller: Caller, server: ModelServer) -> None:
    await sync_to_async(made)(caller, f"http://localhost:{server.port}/v1")
    error = await Process().fails("theirs")
    assert error.kind is ErrorKind.REQUEST
    assert "theirs:small: localhost is an inner address" in error.message
    assert "ORCHESTRA_EGRESS_ALLOW" in error.message
    assert server.calls == []


async def test_an_address_that_nobody_wrote_is_judged_too(
    caller: Caller, server: ModelServer
) -> None:
    """Ollama's usual one is on this machine."""
    await sync_to_async(made)(caller, "", provider="ollama")
    error = await Process().fails("theirs")
    assert "inner address" in error.message


async def test_what_the_installation_opens_is_open_to_them(
    caller: Caller, server: ModelServer, settings: Any
) -> None:
    opened = (f"127.0.0.1:{server.port}",)
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, egress_allow=opened)
    await sync_to_async(made)(caller, server.url)
    assert (await Process().ask("theirs")).text == "Hello."
    assert len(server.calls) == 1


async def test_an_administrators_address_is_their_own_matter(server: ModelServer) -> None:
    await sync_to_async(connect)(server)
    assert (await Process().ask()).text == "Hello."


def test_changing_the_address_is_what_counts(caller: Caller, server: ModelServer) -> None:
    row = connect(server)
    assert not row.is_guarded
    row.default_model = "large"
    save_connection(connection=row, caller=caller)
    assert not ModelConnection.objects.get().is_guarded
    row.base_url = "https://models.example/v1"
    save_connection(connection=row, new_key="another key", caller=caller)
    assert ModelConnection.objects.get().is_guarded


def test_the_admins_form_says_so(
    keeper: User, administrator: User, browser_of: Callable[[User], Client], server: ModelServer
) -> None:
    browser = browser_of(keeper)
    given = {"name": "vllm", "default_model": "small", "new_key": KEY}
    page = saved(browser, ADD, **given, base_url=server.url)
    assert "is an inner address" in text_of(page)
    assert not ModelConnection.objects.exists()
    saved(browser, ADD, **given, base_url=f"http://localhost:{server.port}/v1")
    row = ModelConnection.objects.get()
    assert row.is_guarded
    tested = text_of(browser.post(url_of(row, "test"), follow=True))
    assert "localhost is an inner address" in tested
    act(browser_of(administrator), row, "disable")
    assert ModelConnection.objects.get().is_guarded
    assert server.calls == []
    saved(browser_of(administrator), url_of(row), base_url=server.url, new_key=KEY)
    assert not ModelConnection.objects.get().is_guarded
