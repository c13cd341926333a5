"""What *Test* finds out about a server is kept at the connection, and calls heed it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from executor.connections import probe_connection
from executor.errors import ModelUnavailable
from executor.language_models.registry import price_of
from executor.models import ModelConnection
from tests.executor.connections import Process, change, connect
from tests.model_server import Exchange, ModelServer, fails, gives, model_server, replies, says

# The calls are made on another thread, which has a database connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


def poor(exchange: Exchange) -> None:
    """Knows neither system messages nor schemas nor streams."""
    body = exchange.call.body
    if body["messages"][0]["role"] == "system":
        fails(400, "System role not supported")(exchange)
    elif "response_format" in body:
        fails(400, "This response_format type is unavailable now")(exchange)
    elif exchange.is_stream:
        fails(501, "")(exchange)
    else:
        says("Hello.")(exchange)


def habits(row: ModelConnection) -> tuple[bool, bool, bool]:
    row.refresh_from_db()
    return row.takes_json_schema, row.has_system_role, row.streams


def test_a_server_that_takes_all(server: ModelServer) -> None:
    row = connect(server)
    server.then(says("Hi."), gives({"word": "Hi."}), says("Hi."))
    result = probe_connection(connection=row)
    assert result.passed
    assert result.sentence.endswith("5 out.")
    assert habits(row) == (True, True, True)
    assert len(server.calls) == 3


def test_a_server_that_takes_little_works_and_is_known(server: ModelServer) -> None:
    row = connect(server)
    server.usual = poor
    result = probe_connection(connection=row)
    assert result.passed
    for words in ("takes no JSON schema", "takes no system message", "does not stream"):
        assert words in result.sentence
    assert habits(row) == (False, False, False)
    server.calls.clear()
    # What failed only for streaming was not the model's fault; once known, nothing is refused.
    result = probe_connection(connection=row)
    assert result.passed
    server.usual = says("Hello.")
    assert probe_connection(connection=row).passed
    assert habits(row) == (True, True, True)


async def test_calls_heed_what_is_set_at_the_connection(server: ModelServer) -> None:
    from asgiref.sync import sync_to_async

    row = await sync_to_async(connect)(server, has_system_role=False)
    process = Process()
    await process.ask()
    assert [message["role"] for message in server.calls[-1].body["messages"]] == ["user"]
    await sync_to_async(change)(row, has_system_role=True)


def test_a_wrong_address_is_told_whole_to_who_may_test(server: ModelServer) -> None:
    address = server.url.removesuffix("/v1")
    row = connect(server, base_url=address)
    server.then(replies("404 page not found", 404, "text/plain"))
    result = probe_connection(connection=row)
    assert not result.passed
    assert f"The address was {address}/chat/completions" in result.sentence
    assert "most servers want /v1 at the end" in result.sentence


def test_the_path_of_a_call_is_cut_off_an_address(server: ModelServer) -> None:
    row = connect(server, base_url=f"{server.url}/chat/completions")
    assert row.base_url == server.url
    assert probe_connection(connection=row).passed


async def test_the_prices_of_a_connection_are_its_answers_cost(server: ModelServer) -> None:
    from asgiref.sync import sync_to_async

    server.usual = says("x", tokens=(1_000_000, 500_000))
    prices = {"input_price_usd": Decimal("0.5"), "output_price_usd": Decimal(2)}
    await sync_to_async(connect)(server, **prices)
    await sync_to_async(connect)(server, "unpriced")
    process = Process()
    assert (await process.ask()).cost_usd == Decimal("1.5")
    assert (await process.ask("unpriced")).cost_usd is None


def test_which_prices_are_known(server: ModelServer) -> None:
    connect(server, input_price_usd=Decimal("0.5"), output_price_usd=Decimal(2))
    connect(server, "unpriced")
    price = price_of("vllm")
    assert price is not None
    assert (price.input, price.output) == (Decimal("0.5"), Decimal(2))
    assert price_of("vllm:any") == price
    assert price_of("unpriced") is None
    free = price_of("offline:stand-in")
    assert free is not None
    assert (free.input, free.output) == (0, 0)
    with pytest.raises(ModelUnavailable):
        price_of("nobody")


def test_half_a_price_is_none() -> None:
    row = ModelConnection(name="x", base_url="http://127.0.0.1/v1", input_price_usd=Decimal(1))
    with pytest.raises(ValidationError, match="Give both prices"):
        row.full_clean()
    row.output_price_usd = Decimal(-1)
    with pytest.raises(ValidationError):
        row.full_clean()


def test_ollama_is_asked_only_where_an_administrator_said_so() -> None:
    with pytest.raises(ModelUnavailable, match="needs an address: set ORCHESTRA_LLM_URL"):
        price_of("ollama:llama3")
