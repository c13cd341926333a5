"""The HTTP client for the OpenAI protocol: addresses, requests, and errors."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from designs.outgoing.addresses import AddressRefused
from designs.outgoing.guarded_connector import GuardedConnector
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.clients import Client
from executor.engine.llm.lean_client import LeanClient, connections, proxy_for
from executor.engine.llm.server_errors import ServerLost, ServerRefused
from tests.designs.test_guarded_http import SPELLINGS, answers_of, trap
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import Exchange, ModelServer, says

USUAL: dict[str, Any] = {
    "connector": None, "proxy": None, "max_bytes": 1_000, "connect_seconds": 5.0,
    "read_seconds": 5.0,
}  # fmt: skip
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def lean(address: str, **more: Any) -> AsyncIterator[LeanClient]:
    tls = ssl.create_default_context()
    if "allow" in more:
        more["connector"] = GuardedConnector(more.pop("allow"), **connections(tls))
    client = LeanClient(address, tls=tls, **{**USUAL, **more})
    try:
        yield client
    finally:
        await client.aclose()


async def answer_of(client: LeanClient, sent: list[str] | None = None, **headers: str) -> bytes:
    def note() -> None:
        if sent is not None:
            sent.append("sent")

    async with client.post(b"{}", headers, note) as pieces:
        return b"".join([piece async for piece in pieces])


# --- Guarded --------------------------------------------------------------------------------------


async def test_no_spelling_of_this_machine_gets_through() -> None:
    async with trap(ANSWER) as trapped:
        for spelling in SPELLINGS.split():
            with pytest.raises((AddressRefused, ServerLost, ValueError)):
                async with lean(spelling.replace("PORT", str(trapped.port)), allow=()) as client:
                    await answer_of(client)
        assert trapped.seen == []


async def test_what_is_opened_is_reached() -> None:
    async with trap(ANSWER) as trapped:
        for word in ("127.0.0.1", "127.0.0.0/8", f"127.0.0.1:{trapped.port}"):
            async with lean(f"http://127.0.0.1:{trapped.port}/", allow=[word]) as client:
                assert await answer_of(client) == b"ok"
        async with lean(f"http://localhost:{trapped.port}/", allow=["localhost"]) as client:
            assert await answer_of(client) == b"ok"
        for word in ("127.0.0.2", f"127.0.0.1:{trapped.port + 1}", "10.0.0.0/8", "::1"):
            with pytest.raises(AddressRefused):
                async with lean(f"http://127.0.0.1:{trapped.port}/", allow=[word]) as client:
                    await answer_of(client)
        assert len(trapped.seen) == 4


async def test_one_inner_address_refuses_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers_of(monkeypatch, "93.184.215.14", "127.0.0.1")
    async with trap(ANSWER) as trapped:
        with pytest.raises(AddressRefused, match="inner address"):
            async with lean(f"http://rebinding.example:{trapped.port}/", allow=()) as client:
                await answer_of(client)
        assert trapped.seen == []
    assert asked == ["rebinding.example"]


# --- Where it goes --------------------------------------------------------------------------------


async def test_a_redirect_is_a_refusal() -> None:
    async with trap(ANSWER) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{other.port}/\r\n".encode()
        async with trap(moved + b"Content-Length: 0\r\n\r\n") as trapped:
            with pytest.raises(ServerRefused) as refused:
                async with lean(f"http://127.0.0.1:{trapped.port}/v1") as client:
                    await answer_of(client)
        assert refused.value.refusal.status == 307
        assert other.seen == []


async def test_what_a_server_sets_is_not_sent_back() -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nSet-Cookie: who=me\r\nContent-Length: 2\r\n\r\nok"
    )
    async with trap(head) as trapped, lean(f"http://127.0.0.1:{trapped.port}/") as client:
        await answer_of(client)
        await answer_of(client)
    assert len(trapped.seen) == 2
    for request in trapped.seen:
        assert b"cookie" not in request.lower()
        assert b"\r\nAccept-Encoding: identity\r\n" in request


async def test_credentials_of_an_address_are_sent_and_not_repeated() -> None:
    refuses = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    async with (
        trap(refuses) as trapped,
        lean(f"http://me:secret@127.0.0.1:{trapped.port}/v1") as client,
    ):
        assert client.has_credentials
        with pytest.raises(ServerRefused) as refused:
            await answer_of(client)
    assert b"Authorization: Basic bWU6c2VjcmV0" in trapped.seen[0]
    assert refused.value.refusal.address == f"http://127.0.0.1:{trapped.port}/v1"


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://models.example/v1", "http://proxy.example:3128"),
        ("http://models.example/v1", None),
        ("https://inner.example:8443/v1", None),
        ("https://a.inner.example/v1", None),
    ],
)
def test_the_environments_proxy(monkeypatch: pytest.MonkeyPatch, url: str, proxy: Any) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inner.example")
    assert proxy_for(url) == proxy


async def test_a_proxy_is_asked_in_the_servers_place() -> None:
    async with trap(ANSWER) as trapped:
        proxy = f"http://127.0.0.1:{trapped.port}"
        async with lean("http://models.example/v1", proxy=proxy) as client:
            assert await answer_of(client) == b"ok"
    assert trapped.seen[0].startswith(b"POST http://models.example/v1 HTTP/1.1\r\n")


# --- What it says ---------------------------------------------------------------------------------


async def test_who_cannot_be_reached_was_not_sent_anything() -> None:
    async with trap() as trapped:
        port = trapped.port
    sent: list[str] = []
    async with lean(f"http://127.0.0.1:{port}/") as client:
        with pytest.raises(ServerLost, match="nothing is listening at its address") as lost:
            await answer_of(client, sent)
    assert "127.0.0.1" not in str(lost.value)
    assert sent == []
    async with trap(ANSWER) as trapped, lean(f"http://127.0.0.1:{trapped.port}/") as client:
        await answer_of(client, sent)
    assert sent == ["sent"]


async def test_who_says_nothing_is_silent_and_who_drips_is_not(server: ModelServer) -> None:
    def silent(exchange: Exchange) -> None:
        exchange.wait(5)

    server.then(silent)
    model = model_at(server)
    address, tls = f"{server.url}/chat/completions", ssl.create_default_context()
    impatient = LeanClient(address, tls=tls, **{**USUAL, "read_seconds": 0.1})
    model._clients._here.get().append(Client(impatient, None))
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for())
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert caught.value.message.endswith("the server did not answer in time.")


async def test_large_questions_and_long_headers_pass(server: ModelServer) -> None:
    def answer(exchange: Exchange) -> None:
        body = b'{"choices": [{"message": {"content": "Read."}, "finish_reason": "stop"}]}'
        exchange.send(200, body, X_Policy="p" * 40_000)

    server.then(answer)
    answered = await model_at(server).complete(asking_for("word " * 500_000))
    assert answered.text == "Read."
    assert len(server.calls[0].prompt) > 2_000_000


async def test_calls_of_a_model_share_one_client_and_its_connections(server: ModelServer) -> None:
    server.usual = says("Hello.")
    model = model_at(server)
    for _ in range(3):
        await model.complete(asking_for())
    assert len(model._clients._here.get()) == 1
