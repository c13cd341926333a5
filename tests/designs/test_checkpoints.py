"""Earlier states of a draft are kept: when, whose, and how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from designs.access import SYSTEM, Caller, caller_of
from designs.drafts.checkpoints import KEPT, TURN, keep_checkpoint
from designs.errors import RevisionUnknown
from designs.models import Design, DraftCheckpoint
from designs.models.checkpoint import Reason
from designs.services import (
    apply_suggestions,
    change_draft,
    create_design,
    delete_design,
    publish_design,
    restore_checkpoint,
    restore_version,
)
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db

SUGGESTION = {
    "block_id": "greet", "agent_id": "writer", "current_prompt": "You write greetings.",
    "suggested_prompt": "You write.", "reasoning": "",
}  # fmt: skip


@pytest.fixture
def ada(make_user: Callable[..., User]) -> Caller:
    return caller_of(make_user("ada", "Designer"))


@pytest.fixture
def ben(make_user: Callable[..., User]) -> Caller:
    return caller_of(make_user("ben", "Designer"))


@pytest.fixture
def design(ada: Caller) -> Design:
    return create_design(document=greeting(), caller=ada)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass: `clock(timedelta(minutes=3))`."""
    passed = timedelta()
    now = timezone.now

    def moved() -> datetime:
        return now() + passed

    def pass_by(time: timedelta) -> None:
        nonlocal passed
        passed += time

    monkeypatch.setattr("django.utils.timezone.now", moved)
    return pass_by


def save(design: Design, caller: Caller, text: str, **more: Any) -> Design:
    document = {**greeting(), "description": text}
    return change_draft(design=design, document=document, caller=caller, **more)


def kept(design: Design) -> list[tuple[str, int, str | None]]:
    rows = design.checkpoints.order_by("pk").select_related("author")
    return [(row.reason, row.revision, row.author_name) for row in rows]


def test_own_edits_are_kept_every_ten_minutes(
    design: Design, ada: Caller, clock: Callable[[timedelta], None]
) -> None:
    for number in range(30):
        save(design, ada, f"Text {number}")
        clock(timedelta(minutes=1))
    assert kept(design) == [("interval", 11, "ada"), ("interval", 21, "ada")]
    first = design.checkpoints.last()
    assert first is not None
    assert first.document["description"] == "Text 9"


def test_another_persons_change_keeps_what_was_there(
    design: Design, ada: Caller, ben: Caller
) -> None:
    save(design, ada, "Ada's")
    save(design, ben, "Ben's")
    save(design, ben, "Ben's second")
    assert kept(design) == [("other_person", 2, "ada")]
    assert design.checkpoints.get().document["description"] == "Ada's"
    save(design, SYSTEM, "Nobody's")
    assert kept(design)[1:] == [("other_person", 4, "ben")]


def test_two_who_edit_together_do_not_flood_the_history(
    design: Design, ada: Caller, ben: Caller, clock: Callable[[timedelta], None]
) -> None:
    for caller in (ben, ada) * 10:
        save(design, caller, "Seen", revisions={design.revision})
    assert kept(design) == [("other_person", 1, "ada")]
    clock(TURN)
    save(design, ben, "Seen", revisions={design.revision})
    assert kept(design)[1:] == [("other_person", 21, "ada")]
    # What is overwritten unseen is kept every time.
    for caller in (ada, ben, ada):
        save(design, caller, "Unseen")
    assert [revision for _, revision, _ in kept(design)[2:]] == [22, 23, 24]


def test_before_restores_and_suggestions(design: Design, ada: Caller) -> None:
    version = publish_design(design=design, caller=SYSTEM)
    save(design, ada, "Second")
    restore_version(version=version, caller=ada)
    apply_suggestions(design=design, suggestions=[SUGGESTION], caller=ada)
    assert kept(design) == [("restore", 2, "ada"), ("suggestions", 3, "ada")]
    second = design.checkpoints.last()
    assert second is not None
    restored = restore_checkpoint(checkpoint=second, caller=ada)
    assert restored.draft["description"] == "Second"
    assert kept(design)[2:] == [("restore", 4, "ada")]
    assert Design.objects.get(pk=design.pk).revision == 5


def test_what_is_refused_keeps_nothing(design: Design, ada: Caller) -> None:
    for change in (
        lambda: save(design, ada, "Stale", revisions={7}, reason=Reason.IMPORT),
        lambda: apply_suggestions(
            design=design, suggestions=[{**SUGGESTION, "agent_id": "x"}], caller=ada
        ),
        lambda: keep_checkpoint(design=design, caller=ada, reason=Reason.CONFLICT, revision=2),
    ):
        with pytest.raises(Exception) as refused:  # noqa: PT011
            change()
        assert type(refused.value).__module__ == "designs.errors"
    assert kept(design) == []


def test_one_side_of_a_conflict_is_kept_with_its_base(
    design: Design, ada: Caller, ben: Caller
) -> None:
    save(design, ada, "Ada's")
    mine = {"description": "Ben's", "token": "sk-canary-7f3a-0123456789abcdef"}
    checkpoint = keep_checkpoint(
        design=design, caller=ben, reason=Reason.CONFLICT, document=mine, revision=1
    )
    # Theirs, and mine.
    assert kept(design) == [("conflict", 2, "ada"), ("conflict", 1, "ben")]
    stored = DraftCheckpoint.objects.get(pk=checkpoint.pk).document
    assert stored["description"] == "Ben's"
    assert "canary" not in str(stored)
    assert Design.objects.get(pk=design.pk).revision == 2
    with pytest.raises(RevisionUnknown, match="revision 2"):
        keep_checkpoint(design=design, caller=ben, reason=Reason.CONFLICT, revision=3, document={})


def test_the_newest_fifty_are_kept(design: Design, ada: Caller) -> None:
    other = create_design(document=doubling(), caller=ada)
    keep_checkpoint(design=other, caller=ada, reason=Reason.BY_HAND)
    for number in range(KEPT + 5):
        save(design, ada, f"Text {number}", reason=Reason.IMPORT)
    assert [revision for _, revision, _ in kept(design)] == list(range(6, KEPT + 6))
    assert other.checkpoints.count() == 1


def test_they_go_with_the_design_and_outlive_people(design: Design, ada: Caller) -> None:
    keep_checkpoint(design=design, caller=ada, reason=Reason.BY_HAND)
    User.objects.get(pk=ada.user_id).delete()
    assert kept(design) == [("by_hand", 1, None)]
    design.refresh_from_db()
    assert design.changed_by_name is None
    delete_design(design=design)
    assert not DraftCheckpoint.objects.exists()


def test_a_save_costs_few_statements(design: Design, ada: Caller) -> None:
    def statements(**more: Any) -> dict[str, int]:
        with CaptureQueriesContext(connection) as queries:
            save(design, ada, f"Text {more}", **more)
        words = Counter(query["sql"].split(" ")[0] for query in queries)
        return {word: words[word] for word in ("SELECT", "INSERT", "UPDATE", "DELETE")}

    # The lock, the newest checkpoint's time, what the audit compares with; the audit's entry.
    assert statements() == {"SELECT": 3, "INSERT": 1, "UPDATE": 1, "DELETE": 0}
    keeping = statements(reason=Reason.IMPORT)
    assert keeping == {"SELECT": 2, "INSERT": 2, "UPDATE": 1, "DELETE": 1}
