"""Two web processes are one API: limits, revoked keys, idempotency and streams hold over both."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from tests.api.conftest import Server
from tests.calling import call, events, race
from tests.model_server import Exchange, says
from tests.waiting import wait_until

PATH = "/api/deployed/role/double"


def web_processes(server: Server) -> int:
    names = [" ".join(process.cmdline()) for process in server.installation.family()]
    return sum("gunicorn" in name for name in names)


def admin(server: Server, method: str, path: str, body: Any = None) -> Any:
    status, answer, _ = call(server.installation, server.keys["Administrator"], method, path, body)
    assert status < 300, answer
    return answer


def test_a_limit_lets_exactly_so_many_through(server: Server) -> None:
    # The supervisor's child, and two workers of it.
    assert web_processes(server) == 3
    made = admin(server, "POST", "/api/keys", {"scopes": ["execute"], "requests_per_minute": 10})
    answers = race(server.installation, made["key"], PATH, [({"number": 1}, {})] * 300)
    assert Counter(status for status, _ in answers) == {200: 10, 429: 290}


def test_pairs_of_racing_calls_start_one_run_each(server: Server) -> None:
    bodies = [({"number": n}, {"Idempotency-Key": f"pair-{n}"}) for n in range(100)]
    answers = race(server.installation, server.keys["Operator"], PATH, bodies * 2)
    assert {status for status, _ in answers} == {200}
    ids = [answer["log_id"] for _, answer in answers]
    assert ids[:100] == ids[100:]
    assert len(set(ids)) == 100
    assert [answer["result"] for _, answer in answers] == [2 * n for n in range(100)] * 2


def statuses(server: Server, key: str, path: str) -> set[int]:
    """What both processes answer: of so many connections each gets some."""
    calls = [({"number": 1}, {})] * 20
    return {status for status, _ in race(server.installation, key, path, calls)}


# How they are told, before they would look by themselves: tests/deployments/test_told_changes.py.
def test_a_revoked_key_is_refused_by_both(server: Server) -> None:
    for _ in range(3):
        made = admin(server, "POST", "/api/keys", {"scopes": ["execute"]})
        assert statuses(server, made["key"], PATH) == {200}
        admin(server, "DELETE", f"/api/keys/{made['id']}")
        wait_until(lambda key=made["key"]: statuses(server, key, PATH) == {401})
        assert statuses(server, made["key"], PATH) == {401}


def test_a_change_of_a_deployment_is_seen_by_both(server: Server) -> None:
    url = f"/api/deployments/{server.ids['spare deployment']}"
    key, spare = server.keys["Operator"], "/api/deployed/role/spare"
    for status, expected in (("inactive", 409), ("active", 200), ("inactive", 409)):
        admin(server, "PATCH", url, {"status": status})
        wait_until(lambda expected=expected: statuses(server, key, spare) == {expected})
        assert statuses(server, key, spare) == {expected}


@pytest.fixture(scope="module")
def slow(server: Server) -> str:
    """The path of two agents in turn that ask the slow model."""
    agents = [{"id": name, "system_prompt": "You count."} for name in ("one", "other")]
    block = {"id": "say", "type": "sequential", "task": "Count.", "agents": agents}
    document = {
        "schema": 1, "name": "Slow", "model": "openai_compatible:slow", "blocks": [block],
    }  # fmt: skip
    made = admin(server, "POST", "/api/designs/import", document)["designs"][0]
    admin(server, "POST", "/api/deployments", {"design_id": made["id"], "endpoint_path": "/slow"})
    return "/api/deployed/slow"


def test_text_comes_from_the_worker_as_it_is_written(server: Server, slow: str) -> None:
    """The run is played by a worker; a listener comes to a web process during its first step."""
    has_come, is_back = threading.Event(), threading.Event()
    # So long that its beginning is told, though the end of a text is held back for a while.
    words = ("One ", "and so on " * 200, "two ", "three ", "four.")

    def slowly(exchange: Exchange) -> None:
        assert exchange.is_stream
        exchange.head(200, "text/event-stream")
        exchange.events(*(_piece(word) for word in words[:2]))
        is_back.wait(60)
        exchange.events(*(_piece(word) for word in words[2:]), _piece("", finish="stop"))
        exchange.raw(b"data: [DONE]\n\n")

    server.model.then(says("First.", after=has_come), slowly)
    key = server.keys["Operator"]
    status, accepted, headers = call(
        server.installation, key, "POST", slow, {}, Prefer="respond-async"
    )
    assert (status, headers["preference-applied"]) == (202, "respond-async")
    url = f"{accepted['status_url']}/events"
    with events(server.installation, key, "GET", url) as stream:
        heard = []
        for one in stream:
            has_come.set()
            heard.append(one)
            # Who comes before the first call gets its text in pieces, too.
            if one[1] == "delta" and one[2]["text"].startswith("One"):
                break
    # Gone in the middle of the text, and back: the text so far comes whole.
    last = next(place for place, _, _ in reversed(heard) if place)
    with events(server.installation, key, "GET", url, **{"Last-Event-ID": last}) as stream:
        rest = []
        for one in stream:
            rest.append(one)
            if one[1] == "delta":
                is_back.set()
    # So is the call itself.
    assert [data["agent_id"] for _, name, data in rest if name == "started"] == [
        heard[-1][2]["agent_id"]
    ]
    assert [name for _, name, _ in heard if name in ("started", "step")] == [
        "started",
        "step",
        "started",
    ]
    pieces = [data for _, name, data in rest if name == "delta"]
    assert pieces[0]["at"] == 0
    assert pieces[0]["text"].startswith(heard[-1][2]["text"])
    assert "".join(piece["text"] for piece in pieces) == "".join(words)
    assert len(pieces) > 1
    assert [data["text"] for _, name, data in rest if name == "step"] == ["".join(words)]
    assert [data["text"] for _, name, data in heard if name == "step"] == ["First."]
    assert rest[-1][1] == "done"
    assert rest[-1][2]["result"] == "".join(words)


def _piece(text: str, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "slow",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text},
                     "finish_reason": finish}],
    }  # fmt: skip


def test_a_wait_that_is_over_is_answered_with_where_to_look(server: Server, slow: str) -> None:
    # The wait ends before the model's first answer, which comes only after this call's.
    told = threading.Event()
    server.model.then(says("Late.", after=told), says("Later."))
    status, accepted, headers = call(
        server.installation, server.keys["Operator"], "POST", slow, {},
        Prefer="wait=1",
    )  # fmt: skip
    assert status == 202
    told.set()
    assert headers["preference-applied"] == "wait=1"
    assert headers["location"] == accepted["status_url"]
    with events(
        server.installation, server.keys["Viewer"], "GET", f"{accepted['status_url']}/events"
    ) as stream:
        heard = list(stream)
    assert heard[-1][1] == "done"
    # A viewer is told that it ended, and not how it reads.
    assert heard[-1][2]["success"] is True
    assert heard[-1][2]["result"] is None
    assert "Late" not in str(heard)
