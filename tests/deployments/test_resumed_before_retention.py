"""Retention during a resume: either the resume is refused, or its journal stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from deployments.models import Deployment
from deployments.retention import sweep
from designs.access import SYSTEM
from executor.errors import NotResumable
from executor.history import pruning
from executor.models import Execution, Status
from executor.services import rerun_execution, resume_execution
from tests.deployments.ended_runs import ended, keep, with_texts

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


class Meanwhile:
    """Resumes the execution, on a connection of its own, after retention has looked for journals
    of live executions (at the `look`th time) and before it locks what it removes. SQLite's writers
    wait for each other, so there it happens after the sweep's transaction.
    """

    def __init__(self, execution: Execution, monkeypatch: pytest.MonkeyPatch, look: int) -> None:
        self.execution = execution
        self._looks_left = look
        self.resumed: Execution | None = None
        self.refused: NotResumable | None = None
        self._thread = threading.Thread(target=self._resume)
        self._look = pruning._journals
        monkeypatch.setattr(pruning, "_journals", self._journals)

    def _journals(self) -> Any:
        found = self._look()
        self._looks_left -= 1
        if self._looks_left == 0:
            self._thread.start()
            self._thread.join(30 if connection.vendor == "postgresql" else 0.1)
        return found

    def _resume(self) -> None:
        try:
            self.resumed = resume_execution(execution=self.execution, caller=SYSTEM)
        except NotResumable as error:
            self.refused = error
        finally:
            connections.close_all()

    def join(self) -> None:
        self._thread.join(60)


# Executions go first, then the texts of others.
@pytest.mark.parametrize(("policy", "look"), [({"history_days": 1}, 1), ({"payload_days": 1}, 2)])
def test_a_journal_is_kept_or_the_resume_is_refused(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, policy: dict[str, int], look: int
) -> None:
    deployment = deploy()
    old = with_texts(ended(deployment, days_ago=3, status=Status.CANCELLED, result_data=None))
    other = with_texts(ended(deployment, days_ago=3))
    keep(**policy)
    meanwhile = Meanwhile(old, monkeypatch, look)
    sweep()
    meanwhile.join()
    assert bool(meanwhile.resumed) != bool(meanwhile.refused)
    if meanwhile.resumed is not None:
        assert old.steps.get().text == "said"
        assert Execution.objects.get(pk=old.pk).payload_removed_at is None
    assert not other.steps.filter(text="said").exists()


def test_what_is_gone_is_not_started_again(deploy: Deploy) -> None:
    old = ended(deploy(), days_ago=3, status=Status.CANCELLED, result_data=None)
    known = Execution.objects.select_related("version", "design", "deployment").get(pk=old.pk)
    Execution.objects.filter(pk=old.pk).delete()
    for start in (rerun_execution, resume_execution):
        with pytest.raises(NotResumable, match="Retention has removed"):
            start(execution=known, caller=SYSTEM)
    assert not Execution.objects.exists()
