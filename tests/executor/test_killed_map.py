"""A process killed in the middle of a map: only the calls that were under way are made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from executor import states
from executor.models import Execution, Status, Step
from tests.executor.carried import Carriers
from tests.faults.provider import Provider

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
ITEMS, AT_ONCE = 60, 8


def mapped() -> dict[str, Any]:
    agents = [
        {"id": name, "system_prompt": f"[[{{{{ execution.id }}}}/{name}{{{{ input.index }}}}]]"}
        for name in ("ana", "ben")
    ]
    inner = {"type": "sequential", "task": "Say something.", "agents": agents}
    settings = {"items": "input.items", "block": inner, "max_concurrency": AT_ONCE}
    return {
        "schema": 1,
        "name": "Mapped",
        "model": "openai_compatible:counted",
        "blocks": [{"id": "each", "type": "map", "settings": settings}],
    }


@pytest.mark.parametrize("number", [3, 9])
def test_only_what_was_under_way_is_asked_again(
    queue: Queue, version_of: Any, model: Provider, carriers: Carriers, number: int
) -> None:
    execution = queue(version_of(mapped()), input_data={"items": list(range(ITEMS))})
    killed = carriers.carry(execution.pk, fault_point=f"step.after:{number}")
    assert killed == -9
    finished = set(Step.objects.filter(execution=execution).values_list("key", flat=True))
    assert 0 < len(finished) < 2 * ITEMS
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert states.requeue_lost(execution.pk)

    assert carriers.carry(execution.pk) == 0

    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == (Status.COMPLETED, 2)
    assert execution.steps.count() == 2 * ITEMS
    assert execution.model_calls == 2 * ITEMS
    begun = {key: n for key, n in model.begun.items() if key.startswith(execution.public_id)}
    assert len(begun) == 2 * ITEMS
    again = [key for key, count in begun.items() if count > 1]
    assert sum(begun.values()) - 2 * ITEMS == len(again) <= AT_ONCE
    done = {key.partition("[")[2].partition("]")[0] + key.split("/")[1] for key in finished}
    assert not {key.partition("/")[2][3:] + key.partition("/")[2][:3] for key in again} & done
    assert execution.blocks.get().progress == {"done": ITEMS, "failed": 0, "total": ITEMS}
