"""Why a run ended badly: the same short text for all that failed like it, and its tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executor import states
from executor.engine.context import Outcome, Usage
from executor.engine.events import ErrorInfo
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.models import BlockResult, Execution, Status
from executor.models.causes import cause_label, cause_of, error_in_words, read_cause
from executor.recording.rows import end_of, storable
from executor.running.sweep import WORKER_LOST
from tests.documents import doubling
from tests.graphs import asking, chain, design
from tests.performing import perform_execution

Queue = Callable[..., Execution]


def perform(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


@pytest.mark.parametrize("parts", [("limit",), ("credential", "a:m", "debate"), ("block", "", "x")])
def test_a_cause_is_read_as_it_was_written(parts: tuple[str, ...]) -> None:
    cause = read_cause(cause_of(*(part or None for part in parts)))  # type: ignore[arg-type]
    assert tuple(cause)[: len(parts)] == parts


def test_every_cause_has_words() -> None:
    for kind in [*ErrorKind, "worker_lost", "limit", "nobody_knows_it"]:
        assert "{" not in cause_label(cause_of(kind, "open ai:m{0}", "debate")).replace("{0}", "")
        assert cause_label(cause_of(kind))
    assert cause_label(None) == ""
    assert cause_label(cause_of("credential", "x:m", "debate")).startswith("The provider refuses")


@pytest.mark.parametrize(
    ("message", "cause", "said"),
    [
        (
            "Block 'For and against': agent 'Ann' got no answer: "
            "The model 'openai:gpt-5' needs a key: set OPENAI_API_KEY.",
            "unavailable openai:gpt-5 debate",
            "Ann (For and against) could not reach openai:gpt-5: no API key is set. "
            "Set OPENAI_API_KEY.",
        ),
        (
            "Block 'a': agent 'b' got no answer: x:m: it is down.",
            "transient x:m sequential",
            "b (a) got no answer from x:m: it is down.",
        ),
        (
            "Block 'a': agent 'b' got no answer: Why.",
            None,
            "b (a) got no answer from its model: Why.",
        ),
        ("Block 'a': it is empty.", "block", "a: it is empty."),
        ("Anything else.", None, "Anything else."),
    ],
)
def test_an_error_says_who_could_not_do_what(message: str, cause: str | None, said: str) -> None:
    assert error_in_words(message, cause) == said


def test_a_key_in_a_models_name_is_masked_before_the_name_is_cut() -> None:
    model = "m" * 180 + " sk-proj-" + "Ab1" * 20
    error = ErrorInfo("credential", "No.", model=model, block_type="debate")
    fields, _ = end_of(Outcome("failed", None, {}, Usage(), error), storable)
    assert "sk-proj" not in fields["cause"]
    assert read_cause(fields["cause"]).kind == "credential"


@pytest.mark.django_db(transaction=True)
def test_a_failed_call_names_its_model_and_block(
    operator: User,
    browser_of: Callable[[User], Client],
    queue: Queue,
    version_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(self: Any, request: Any, on_delta: Any = None) -> Any:
        request.on_sent()
        raise ModelError(ErrorKind.TRANSIENT, "it is down.", status=503)

    monkeypatch.setattr(offline.StandIn, "complete", refuse)
    version = version_of(design([asking("a", retries=1), asking("b")], chain("a", "b")))
    failed = perform(queue(version))
    assert failed.cause == "transient offline:stand-in sequential"
    tries = BlockResult.objects.get(execution=failed, block_id="a").error["tries"]
    assert [(one["class"], one["status"]) for one in tries] == [("transient", 503)] * 2
    assert tries[0]["next_ms"] is not None
    assert failed.error is not None
    assert "tries" not in failed.error
    browser = browser_of(operator)
    found = browser.get("/api/executions", {"cause": failed.cause}).json()
    assert [(one["cause"], one["cause_label"]) for one in found["results"]] == [
        (failed.cause, "offline:stand-in could not answer (sequential)")
    ]
    assert browser.get("/api/executions", {"cause": "transient"}).json()["results"] == []
    assert failed.short_id in browser.get(f"/executions/?cause={failed.cause}").content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_succeeds_has_none(queue: Queue, version_of: Any) -> None:
    assert perform(queue(version_of(doubling()))).cause is None


@pytest.mark.django_db
def test_ends_that_no_engine_wrote_have_one(queue: Queue) -> None:
    lost, late, cancelled = queue(), queue(), queue()
    for execution in (lost, cancelled):
        assert states.claim(execution.pk, owner="test", lease_seconds=30)
    states.finish(lost.pk, Status.FAILED, attempt=1, error=WORKER_LOST)
    states.finish(cancelled.pk, Status.CANCELLED, attempt=1, error=states.CANCELLED)
    error = states.run_error("timed_out", "Too late.")
    Execution.objects.filter(pk=late.pk).update(deadline_at="2020-01-01T00:00:00Z")
    assert states.time_out(late.pk, error=error)
    causes = dict(Execution.objects.values_list("pk", "cause"))
    assert causes == {lost.pk: "worker_lost", late.pk: "timed_out", cancelled.pk: None}
