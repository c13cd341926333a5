"""HTTP: what is sent, which answers are taken, and pages."""

from __future__ import annotations

import json

import pytest

from executor.engine.http_door import HttpReply
from tests.scripted import design, problems_of
from tests.scripted_door import JSON, Door, block, reply, sent


async def test_the_body_is_the_output_or_all_of_the_answer():
    body = await sent(Door(reply({"a": 1})))
    full = await sent(Door(reply({"a": 1}, etag="x")), output="full")
    text = await sent(Door(HttpReply(200, {"content-type": "text/plain"}, b"hi")))

    assert body.result == {"a": 1}
    assert full.result == {"status": 200, "headers": {**JSON, "etag": "x"}, "body": {"a": 1}}
    assert text.result == "hi"


async def test_templates_fill_address_query_headers_and_body():
    door = Door(reply())
    await sent(
        door,
        {"id": 7, "tags": ["a", "b c"], "who": "ana"},
        connection="crm",
        path="/things/{{ input.id }}",
        method="PUT",
        query={"tag": "{{ input.tags }}", "page": 1},
        headers={"X-Who": "{{ input.who }}"},
        body={"id": "{{ input.id }}", "text": "It is {{ input.who }}."},
    )

    call = door.sent[0]
    assert call.url == "/things/7?tag=a&tag=b%20c&page=1"
    assert call.headers == {"X-Who": "ana", "Content-Type": "application/json"}
    assert json.loads(call.content) == {"id": 7, "text": "It is ana."}
    assert door.keys == ["run:get/-/1/http"]


@pytest.mark.parametrize(
    "value", ["../admin", "%2e%2e/admin", ".%2E/admin", "..%2fadmin", "..\\admin", "%2e"]
)
async def test_values_in_a_path_lead_nowhere_else(value: str):
    door = Door(reply())

    played = await sent(door, {"id": value}, connection="crm", path="/x/{{ input.id }}")

    assert "stay below the connection's address" in played.outcome.error.message
    assert door.sent == []


async def test_another_status_fails_the_block_with_its_first_characters():
    played = await sent(Door(HttpReply(404, {}, b"No such thing. " * 100)))
    redirect = await sent(Door(HttpReply(302, {}, b"")))
    taken = await sent(Door(reply({"x": 1}, 404)), accept=["2xx", "404"])

    error = played.outcome.error
    assert error.kind == "http_status"
    assert error.message.startswith("Block 'Get it': the server answered 404: No such thing. No")
    assert len(error.message) < 600
    assert "302, and redirects are not followed" in redirect.outcome.error.message
    assert taken.result == {"x": 1}


PAGES = {"items": "body.items", "next": "body.next", "most": 3}
QUERY = {"query": {"after": "{{ cursor }}"}, "pages": PAGES}


def page(number, more):
    return reply({"items": [number], "next": more})


async def test_pages_are_read_to_the_end_each_a_step():
    door = Door(page(1, "b"), page(2, None))

    played = await sent(door, **QUERY)

    assert played.result == [1, 2]
    assert [call.url for call in door.sent] == [
        "https://example.com/things", "https://example.com/things?after=b",
    ]  # fmt: skip
    assert list(played.steps) == ["get/-/1/http", "get/-/2/http"]


async def test_a_repeated_cursor_and_the_cap_end_them_degraded_a_bad_status_fails():
    repeated = await sent(Door(page(1, "b"), page(2, "b")), **QUERY)
    capped = await sent(Door(page(1, "b"), page(2, "c"), page(3, "d")), **QUERY)
    broken = await sent(Door(page(1, "b"), HttpReply(404, {}, b"")), **QUERY)

    assert repeated.result == [1, 2]
    assert "names a next page that was read before" in repeated.outcome.degraded[0]
    assert capped.result == [1, 2, 3]
    assert "more than 3 pages" in capped.outcome.degraded[0]
    assert broken.outcome.error.kind == "http_status"


async def test_the_next_page_of_another_server_is_not_asked():
    door = Door(reply({"items": [1], "next": "https://evil.example/x"}))

    played = await sent(door, **QUERY)

    assert "is on another server" in played.outcome.error.message


def test_its_rules():
    both = design({"id": "a", "type": "http", "settings": {"url": "https://a.b", "path": "/x"}})
    wrong = block(method="GET", body="x", accept=["ok"], headers={"Host": "x"})

    assert {"/blocks/0/settings", "/blocks/0/settings/path"} <= set(problems_of(both))
    assert set(problems_of(wrong)) == {
        "/blocks/0/settings/body", "/blocks/0/settings/accept/0", "/blocks/0/settings/headers/Host",
    }  # fmt: skip
