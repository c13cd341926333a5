"""The page of one run: what it shows of its blocks, to whom, and at what cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executor import states
from executor.models import BlockResult, Execution, Status, Step
from tests.graphs import asking, chain, design

pytestmark = pytest.mark.django_db

Queue = Callable[..., Execution]
VersionOf = Callable[..., Any]
Browser = Callable[[User], Client]
HOSTILE = "</svg><img src=x onerror=alert(1)>'\"{{ 7 }}"
SECRETS = ("asked-secret", "said-secret", "given-secret", "quoted-secret")


@pytest.fixture
def ended(queue: Queue, version_of: VersionOf) -> Callable[..., Execution]:
    """A run whose blocks have one step each, ended as failed at the last of them."""

    def make(count: int = 3, label: str = "") -> Execution:
        names = [f"b{number}" for number in range(count)]
        blocks = [asking(name, "writer", label=label or f"Block {name}") for name in names]
        execution = queue(
            version_of(design(blocks, chain(*names))), input_data={"note": "given-secret"}
        )
        assert states.claim(execution.pk, owner="test", lease_seconds=30)
        _add_rows(execution, names)
        message = f"Block '{label or names[-1]}': agent 'writer' got no answer: quoted-secret"
        states.finish(
            execution.pk,
            Status.FAILED,
            attempt=1,
            error={
                "class": "request",
                "message": message,
                "block_id": names[-1],
                "step": f"{names[-1]}/writer/1/answer",
            },
            cause="request open:model sequential",
        )
        return Execution.objects.get(pk=execution.pk)

    return make


def _add_rows(execution: Execution, names: list[str]) -> None:
    now = timezone.now()
    for name in names:
        is_last = name == names[-1]
        error = {"class": "request", "message": "quoted-secret", "block_id": name, "step": None}
        BlockResult.objects.create(
            execution=execution,
            block_id=name,
            status="failed" if is_last else "completed",
            output=None if is_last else f"said-secret {HOSTILE}",
            error=error if is_last else None,
            started_at=now,
            completed_at=now + timedelta(seconds=3),
        )
        failure = {
            "model": "open:model", "class": "request", "message": "quoted-secret",
            "at": (now + timedelta(seconds=1)).isoformat(), "ms": 900, "next_ms": 500,
        }  # fmt: skip
        Step.objects.create(
            execution=execution,
            key=f"{name}/writer/1/answer",
            block_id=name,
            agent_id="writer",
            purpose="answer",
            model="open:model",
            prompt={"system": f"asked-secret {HOSTILE}", "parts": []},
            text="" if is_last else f"said-secret {HOSTILE}",
            status="failed" if is_last else "completed",
            tries=2,
            failures=[failure],
            started_at=now,
            finished_at=now + timedelta(seconds=3),
        )


def pages(execution: Execution) -> Iterator[str]:
    base = f"/executions/{execution.pk}/"
    yield base
    yield f"/executions/{execution.pk}/compare/?with={execution.public_id}"
    for tab in ("conversation", "prompt", "input", "output", "settings", "error"):
        yield f"{base}?block=b0&tab={tab}"
        yield f"{base}?block=b2&tab={tab}"


def texts(browser: Client, execution: Execution) -> str:
    found = [browser.get(page) for page in pages(execution)]
    assert {answer.status_code for answer in found} == {200}
    return "".join(answer.content.decode() for answer in found)


def test_prompts_answers_inputs_and_quotes_need_their_right(
    operator: User, viewer: User, browser_of: Browser, ended: Callable[..., Execution]
) -> None:
    execution = ended()
    shown = texts(browser_of(operator), execution)
    assert [secret for secret in SECRETS if secret not in shown] == []
    hidden = texts(browser_of(viewer), execution)
    assert [secret for secret in SECRETS if secret in hidden] == []
    assert "Block b0" in hidden
    assert '<dd class="mono">' in hidden


def test_hostile_labels_and_answers_are_text(
    operator: User, browser_of: Browser, ended: Callable[..., Execution]
) -> None:
    shown = texts(browser_of(operator), ended(label=HOSTILE))
    assert "<img" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


@pytest.mark.parametrize("query", ["block=%00&tab=%00", "block=nobody", "part=details&block=b9"])
def test_odd_queries_break_nothing(
    operator: User, browser_of: Browser, ended: Callable[..., Execution], query: str
) -> None:
    page = f"/executions/{ended().pk}/?{query}"
    assert browser_of(operator).get(page).status_code == 200
    assert browser_of(operator).get(page, headers={"HX-Request": "true"}).status_code == 200


def test_more_blocks_cost_no_more_queries(
    operator: User, browser_of: Browser, ended: Callable[..., Execution]
) -> None:
    browser = browser_of(operator)
    few, many = ended(3), ended(60)

    def queries(execution: Execution) -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(f"/executions/{execution.pk}/").status_code == 200
        return len(found)

    queries(few)
    assert queries(few) == queries(many) <= 22


def test_the_failed_block_is_shown_with_its_cause_and_tries(
    designer: User, browser_of: Browser, ended: Callable[..., Execution]
) -> None:
    first, second = ended(), ended()
    page = browser_of(designer).get(f"/executions/{second.pk}/").content.decode()
    assert 'data-shown="b2"' in page
    assert 'class="fail"' in page
    assert 'class="pause"' in page
    assert "open:model refused the request." in page
    assert "2 runs failed the same way" in page
    assert "?cause=request%20open%3Amodel%20sequential" in page
    assert "2 finished steps kept" in page
    listed = browser_of(designer).get(f"/executions/?cause={first.cause}").content.decode()
    assert first.short_id in listed


def test_a_fragment_has_no_frame(
    operator: User, browser_of: Browser, ended: Callable[..., Execution]
) -> None:
    page = f"/executions/{ended().pk}/"
    browser = browser_of(operator)
    live = browser.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in live
    assert 'id="run-bar"' in live
    small = browser.get(f"{page}?small=1", headers={"HX-Request": "true"}).content.decode()
    assert 'id="run-timeline"' not in small
    assert 'id="run-graph"' in small
    part = f"{page}?part=details&block=b0"
    details = browser.get(part, headers={"HX-Request": "true"}).content.decode()
    assert 'data-shown="b0"' in details
    assert 'id="run-graph"' not in details
