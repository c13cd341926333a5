"""What looks like a key in what people send is masked for the run, and so in all that comes of it.

What they send is never compared with the secrets of the installation: no answer tells whether a
text is one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment, Schedule
from deployments.schedules.pump import wake_schedules
from designs.access import SYSTEM
from designs.models import Design, DesignVersion
from designs.secrets.known import KnownSecrets
from designs.secrets.masking import learn
from designs.services import create_design, export_design, publish_design
from executor.engine.events import StepFinished, TextDelta
from executor.engine.journal import StepResult
from executor.engine.llm import offline
from executor.engine.llm.base import ModelAnswer, ModelRequest
from executor.following import pubsub
from executor.following.live_text import live_text
from executor.language_models import key_masking
from executor.models import BlockResult, Execution, ModelConnection, Step
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
API_KEY = "orc_1f0c9a3b_" + "x9" * 20
SHOWN_KEY = "orc_1f0c9a3b_(secret)"
# One that people chose, one that nobody can guess.
KNOWN = ("canary-of-runs-1", "q7KdZt93Lm1wB8xRv-5d1f9b3c7a2e")


@pytest.fixture(autouse=True)
def _known() -> None:
    learn(*KNOWN)


@pytest.fixture
def client(
    designer: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(designer))


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, format="json", headers=headers)


def transform(**settings: Any) -> dict[str, Any]:
    block = {"id": "told", "type": "transform", "settings": settings}
    return {"schema": 1, "name": "Told", "blocks": [block]}


def everything() -> str:
    """All that the history holds."""
    rows = [list(kind.objects.values()) for kind in (Execution, BlockResult, Step)]
    return json.dumps(rows, default=str)


@pytest.mark.parametrize("headers", [{}, {"prefer": "respond-async"}], ids=["here", "queued"])
def test_an_input_is_masked_before_it_runs(
    deploy: Deploy, client: APIClient, headers: dict[str, str]
) -> None:
    deploy(transform(template="{{ input.text }}!"), "/told")
    given = {"text": f"{API_KEY} and so on", f"key {API_KEY}": [API_KEY]}
    answer = post(client, "/api/deployed/told", given, **headers)
    execution = Execution.objects.get()
    assert execution.input_data == {
        "text": f"{SHOWN_KEY} and so on", f"key {SHOWN_KEY}": [SHOWN_KEY],
    }  # fmt: skip
    if not headers:
        assert answer.json()["result"] == f"{SHOWN_KEY} and so on!"
        assert execution.result_data == answer.json()["result"]
    assert API_KEY not in everything()


def test_the_model_is_given_what_the_history_shows(
    deploy: Deploy, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = offline.StandIn.complete

    async def complete(self: Any, request: ModelRequest, on_delta: Any = None) -> ModelAnswer:
        asked.append(str(request))
        return await real(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    deploy(greeting(), "/greet")
    assert post(client, "/api/deployed/greet", {"name": API_KEY}).status_code == 200
    assert SHOWN_KEY in asked[0]
    assert API_KEY not in str(asked)
    assert SHOWN_KEY in str(Step.objects.order_by("pk").first().prompt)  # type: ignore[union-attr]


def test_a_secret_that_a_run_puts_together_is_masked_too(deploy: Deploy, client: APIClient) -> None:
    head, tail = API_KEY[:9], API_KEY[9:]
    deploy(transform(template="{{ input.a }}{{ input.b }}"), "/told")
    answer = post(client, "/api/deployed/told", {"a": head, "b": tail}).json()
    assert answer["result"] == SHOWN_KEY
    assert answer["results"] == {"told": SHOWN_KEY}
    assert Execution.objects.get().result_data == SHOWN_KEY
    assert API_KEY not in everything()


def test_errors_do_not_repeat_it(
    deploy: Deploy, client: APIClient, scheduled: Callable[..., Schedule]
) -> None:
    deploy(path="/strict")
    refused = post(client, "/api/deployed/strict", {"number": f"so {API_KEY}"})
    assert refused.status_code == 422
    assert API_KEY not in refused.content.decode()
    schedule = scheduled(path="/planned")
    Schedule.objects.filter(pk=schedule.pk).update(input_data={"number": API_KEY})
    wake_schedules()
    failed = Execution.objects.get(status="failed")
    assert "input_data/number" in failed.error_message
    assert API_KEY not in everything()


def test_a_schedules_input_is_kept_masked(deploy: Deploy) -> None:
    rule = {"interval_seconds": 3600, "input_data": {"number": 1, "text": API_KEY}}
    schedule = deploy(path="/planned", schedule=rule).schedules.get()
    assert schedule.input_data == {"number": 1, "text": SHOWN_KEY}


def test_a_key_is_no_idempotency_key(deploy: Deploy, client: APIClient) -> None:
    deploy()
    refused = post(client, "/api/deployed/double", {"number": 1}, idempotency_key=API_KEY)
    assert refused.status_code == 400
    assert "holds a secret" in refused.json()["detail"]
    assert Execution.objects.count() == 0


def test_designs_are_kept_and_exported_masked() -> None:
    document = {**doubling(), "name": f"With {API_KEY}", "description": API_KEY}
    design = create_design(document=document, caller=SYSTEM, description=f"for {API_KEY}")
    assert (design.name, design.description) == (f"With {SHOWN_KEY}", f"for {SHOWN_KEY}")
    publish_design(design=design, caller=SYSTEM)
    kept = [list(kind.objects.values()) for kind in (Design, DesignVersion)]
    assert API_KEY not in json.dumps(kept, default=str) + export_design(design)


async def test_text_in_progress_is_told_masked_though_it_comes_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(pubsub, "publish_text", lambda pk, piece: told.append(piece))
    chosen, strong = KNOWN
    said = f"Your key is {API_KEY}, and {strong} is known, {chosen} not. Bye, {strong[:6]}"
    whole = f"Your key is {SHOWN_KEY}, and (secret) is known, {chosen} not. Bye, {strong[:6]}"
    with live_text(Execution().pk, lambda event: None) as live:
        for letter in said:
            live.emit(TextDelta("k", "b", "a", letter))
            live._publish()
        begun = "".join(piece["text"] for piece in told)
        assert len(told) > 10
        # The last word waits, whatever it is.
        assert begun == whole.removesuffix(strong[:6])
        for at, piece in enumerate(told):
            assert piece["at"] == len("".join(one["text"] for one in told[:at]))
        live.want()
        assert (told[-1]["at"], told[-1]["text"]) == (0, begun)
        live.emit(StepFinished(step_row_of("k"), replayed=False))
        assert begun + told[-1]["text"] == whole


def step_row_of(key: str) -> StepResult:
    return StepResult(key, "b", "a", 1, "answer", "m", None, "", "", 0, 0, None, 1, 0.0, 0.0)


def test_a_process_learns_the_keys_that_it_does_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened by another process: here the rows are all that is known."""
    from designs.secrets import masking
    from executor.connections import save_connection

    first, second = KNOWN[1], f"{KNOWN[1]}-another-8f3b6d0e"
    row = ModelConnection(name="vllm", base_url="http://127.0.0.1:9/v1")
    save_connection(connection=row, new_key=first)
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    key_masking.learn_keys()
    assert masking.masked_output(first) == "(secret)"
    key_masking._changed.clear()
    monkeypatch.setattr(pubsub, "on_invalidate", [*pubsub.on_invalidate, key_masking._changed.set])
    save_connection(connection=row, new_key=second)
    assert key_masking._changed.is_set()
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    key_masking.learn_keys()
    assert masking.masked_output(second) == "(secret)"
