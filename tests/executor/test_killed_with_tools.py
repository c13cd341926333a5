"""A process killed at any commit of a run with tools: no recorded step is made again, and what must
not happen twice does not, without a person's word.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from executor import states
from executor.models import DecisionRequest, Execution, Status, ToolConnection, ToolIntent
from tests.deciding import cast
from tests.executor.carried import Carriers
from tests.model_server import Exchange, ModelServer, model_server, says
from tests.scripted import agent, block, design
from tests.tool_server import calls_tools

pytestmark = pytest.mark.django_db(transaction=True)

KILLED = -9
KEY = "main/ana/1/answer"
DOCUMENT = {
    **design(block("sequential", agent("ana", tools=["bank.put", "bank.pay"]))),
    "model": "openai_compatible:counted",
}
# By path, the keys that calls came with.
came: dict[str, list[str]] = {}


def answer(exchange: Exchange) -> None:
    """The model calls both tools and then answers; the bank takes note of its calls."""
    path = exchange.call.path
    if path.startswith("/bank/"):
        came.setdefault(path.removeprefix("/bank/"), []).append(
            exchange.call.headers["idempotency-key"]
        )
        exchange.send(200, b'{"receipt": 7}')
    elif any(message["role"] == "tool" for message in exchange.call.body["messages"]):
        says("Paid.")(exchange)
    else:
        calls_tools(("bank__put", {"eur": 1}), ("bank__pay", {"eur": 5}))(exchange)


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server() as found:
        found.usual = answer
        yield found


@pytest.fixture
def run(
    model: ModelServer, queue: Callable[..., Execution], version_of: Callable[..., Any]
) -> Execution:
    came.clear()
    model.calls.clear()
    url = f"http://127.0.0.1:{model.port}/bank"
    bank = ToolConnection.objects.create(name="bank", kind="http", url=url, is_guarded=False)
    form = {"type": "object", "properties": {"eur": {"type": "integer"}}}
    for name, effect in (("put", "idempotent"), ("pay", "once")):
        bank.tools.create(
            name=name, effect=effect, is_offered=True, input_schema=form,
            http={"method": "POST", "path": f"/{name}", "body": {"eur": "{eur}"}},
        )  # fmt: skip
    return queue(version_of(DOCUMENT), input_data={})


def carry_on(run: Execution, carriers: Carriers, person: User) -> Execution:
    """The sweep takes the run up, and a person who looks says what came of a lost call."""
    Execution.objects.filter(pk=run.pk).update(lease_until=None)
    assert states.requeue_lost(run.pk)
    assert carriers.carry(run.pk) == 0
    asked = DecisionRequest.objects.first()
    if asked is not None:
        paid = bool(came.get("pay"))
        said = {"result": {"receipt": 7}} if paid else {}
        cast(asked, person, "done" if paid else "again", reason="I looked.", **said)
        assert carriers.carry(run.pk) == 0
    return Execution.objects.get(pk=run.pk)


@pytest.mark.parametrize("point", ["intent.before", "intent.after"])
def test_killed_at_the_intent(
    run: Execution, carriers: Carriers, administrator: User, point: str
) -> None:
    assert carriers.carry(run.pk, fault_point=f"{point}:1") == KILLED
    assert ToolIntent.objects.count() == (point == "intent.after")
    check(carry_on(run, carriers, administrator))
    # Nobody is asked about a call that was never about to be made.
    assert DecisionRequest.objects.count() == (point == "intent.after")


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_record_of_a_step(
    run: Execution, model: ModelServer, carriers: Carriers, administrator: User, when: str,
    number: int,
) -> None:  # fmt: skip
    assert carriers.carry(run.pk, fault_point=f"step.{when}:{number}") == KILLED
    recorded = set(run.steps.values_list("key", flat=True))
    chats = len([call for call in model.calls if call.path.endswith("/completions")])
    check(carry_on(run, carriers, administrator))
    # A model is asked again only if its answer was not recorded.
    asked = len([call for call in model.calls if call.path.endswith("/completions")])
    answered = len([key for key in recorded if "/tool." not in key])
    assert asked == chats + 2 - answered


def check(run: Execution) -> None:
    assert (run.status, run.result_data) == (Status.COMPLETED, "Paid."), run.error
    keys = {name: Counter(found) for name, found in came.items()}
    assert keys["pay"] == {f"{run.pk}:{KEY}/tool.2": 1}
    # This one may be repeated, with one key.
    assert set(keys["put"]) == {f"{run.pk}:{KEY}/tool.1"}
    output = run.steps.get(key=f"{KEY}/tool.2").output
    assert json.loads(output["content"]) == {"receipt": 7}
    assert run.tool_calls == 2
