"""The button *Test*: one small call as designs make them, and a sentence of what came back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executor import connections
from executor.language_models import probe
from executor.models import ModelConnection
from tests.admin_pages import saved, text_of, url_of
from tests.executor.connections import KEY, connect
from tests.model_server import ModelServer, fails, model_server, says

# The call is made on another thread, which has a database connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/executor/modelconnection/"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


@pytest.fixture
def browser(administrator: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(administrator)


def only() -> ModelConnection:
    return ModelConnection.objects.get()


def press(browser: Client, row: ModelConnection) -> str:
    """What the page says after the button."""
    assert re.search(r">\s*Test\s*</button>", text_of(browser.get(url_of(row, "test"))))
    page = browser.post(url_of(row, "test"), follow=True)
    assert page.status_code == 200
    said = [str(message) for message in page.context["messages"]]
    assert said == [only().test_sentence]
    return said[0]


def test_the_button_asks_the_model_and_says_what_came_back(
    browser: Client, server: ModelServer
) -> None:
    row = connect(server)
    assert re.fullmatch(
        r"vllm:small answered in [\d,]+ ms, with 10 tokens in and 5 out\.", press(browser, row)
    )
    assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert only().test_passed
    assert "Answers" in text_of(browser.get(LIST))
    saved(browser, url_of(row), default_model="large")
    assert "Not tested" in text_of(browser.get(LIST))


def test_it_says_what_is_wrong_and_is_not_kept_from_asking_again(
    browser: Client, server: ModelServer
) -> None:
    """Also while the breaker holds the model's calls back: a person knows what was repaired."""
    row = connect(server)
    server.then(fails(401), fails(404, "no such model"), says(""))
    assert press(browser, row) == "vllm:small: the server refuses the key; check it (401)."
    assert "Fails" in text_of(browser.get(LIST))
    assert "no such model" in press(browser, row)
    assert press(browser, row) == "the answer of vllm:small is empty."
    assert "answered in" in press(browser, row)


def test_what_is_no_model_server_is_a_sentence(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    server.then(
        lambda exchange: exchange.send(200, b"<html>Welcome</html>", "text/html"),
        lambda exchange: exchange.send(200, b'{"choices": [1]}'),
        lambda exchange: exchange.send(200, b"\xff\xfe\x00"),
        lambda exchange: exchange.reset(),
    )
    for _ in range(4):
        assert "vllm" in press(browser, row) or "log says more" in only().test_sentence
    saved(browser, url_of(row), base_url="http://127.0.0.1:1/v1", new_key="k")
    assert "the server cannot answer" in press(browser, only())


def test_it_waits_no_longer_than_its_limit(
    browser: Client, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (connections, probe):
        monkeypatch.setattr(module, "PROBE_SECONDS", 0.5)
    row = connect(server)
    # The server waits until it is closed.
    server.usual = lambda exchange: exchange.wait() and None
    assert "within 0.5 seconds" in press(browser, row)


def test_a_plain_answer_is_enough(
    browser: Client, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (connections, probe):
        monkeypatch.setattr(module, "PROBE_SECONDS", 4.0)
    row = connect(server)
    server.usual = lambda exchange: exchange.wait() and None
    server.then(says("Hello."))
    assert "vllm:small answered in" in press(browser, row)
