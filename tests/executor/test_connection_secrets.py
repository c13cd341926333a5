"""A canary: the key of a connection is in no page, answer, log, dump, cache or message."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from executor.errors import ConnectionInvalid
from executor.language_models.registry import model_registry
from executor.models import Execution, ModelConnection
from tests.admin_pages import saved, text_of, url_of
from tests.documents import greeting
from tests.executor.connections import KEY, connect
from tests.model_server import Exchange, ModelServer, fails, model_server, says
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/executor/modelconnection/"


def repeats_the_key(exchange: Exchange) -> None:
    """A server that says whatever it was sent."""
    says(f"You sent {exchange.call.headers['authorization']}.")(exchange)


def fails_with_the_key(exchange: Exchange) -> None:
    fails(400, f"Bad key {exchange.call.headers['authorization']}")(exchange)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    model_registry().connections.expire()
    with model_server() as found:
        yield found


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every record of every logger."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    # Says of each optional variable of a template that it is missing.
    caplog.set_level(logging.INFO, logger="django.template")
    return caplog


def rows() -> str:
    """Every table as it is stored."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            found.append(str(cursor.fetchall()))
    return "\n".join(found)


def cached(settings: Any) -> str:
    """Every key of Redis with what it holds."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return str([(key, client.dump(key)) for key in client.scan_iter()])


def run_all(queue: Callable[..., Execution], version: Any, count: int) -> list[Execution]:
    made = [queue(version, input_data={}) for _ in range(count)]
    for execution in made:
        future = perform_execution(execution.pk)
        assert future is not None
        future.result(timeout=60)
    return list(Execution.objects.order_by("id"))


def test_the_key_is_nowhere(
    server: ModelServer, heard: pytest.LogCaptureFixture, administrator: User, settings: Any,
    browser_of: Callable[[User], Client], api_of: Callable[[User], APIClient],
    queue: Callable[..., Execution], version_of: Callable[..., Any],
) -> None:  # fmt: skip
    browser, api = browser_of(administrator), api_of(administrator)
    seen: list[str] = []
    # Once with a mistake, so that the form comes back, then as it should be.
    given = {"name": "vllm", "default_model": "small", "new_key": KEY}
    seen.append(text_of(saved(browser, f"{LIST}add/", **given, base_url="nowhere")))
    seen.append(text_of(saved(browser, f"{LIST}add/", **given, base_url=server.url)))
    row = ModelConnection.objects.get()
    assert row.api_key.reveal() == KEY

    server.then(fails(401, f"No {KEY}"), fails_with_the_key, repeats_the_key)
    for _ in range(3):
        seen.append(text_of(browser.post(url_of(row, "test"), follow=True)))
    model_registry().connections.expire()
    server.then(*[repeats_the_key] * 3, fails_with_the_key)
    server.usual = fails(503, f"Overloaded: {KEY}", X_Key=KEY)
    document = {**greeting(), "model": "vllm"}
    connect(server, "second")
    ended = run_all(queue, version_of(document), 4)
    assert {execution.status for execution in ended} == {"completed", "failed"}
    assert any(KEY in str(call.headers) for call in server.calls[3:])

    for page in ("change", "history", "delete", "test"):
        seen.append(text_of(browser.get(url_of(row, page))))
    seen += [text_of(browser.get(url)) for url in (LIST, "/admin/", "/", "/executions/")]
    for execution in ended:
        seen.append(text_of(browser.get(url_of(execution))))
        seen.append(text_of(browser.get(f"/executions/{execution.pk}/")))
        seen.append(text_of(api.get(f"/api/executions/{execution.public_id}")))
    dump = StringIO()
    call_command("dumpdata", stdout=dump)
    seen += [dump.getvalue(), rows(), cached(settings), heard.text]

    assert "vllm:small" in "".join(seen)
    bad = [text for text in seen if KEY[3:] in text]
    found = [text.index(KEY[3:]) for text in bad]
    assert [text[at - 200 : at + 100] for text, at in zip(bad, found, strict=True)] == []


def test_a_refused_key_is_not_repeated(server: ModelServer) -> None:
    row = ModelConnection(name="vllm", base_url=server.url)
    with pytest.raises(ConnectionInvalid) as caught:
        connect(server, key=f"{KEY}\nX-Header: 1")
    assert KEY not in f"{caught.value} {caught.value.errors} {caught.value.__context__!r}"
    assert row.pk is None
    assert not ModelConnection.objects.exists()
