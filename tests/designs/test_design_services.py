"""What can be done with designs, below every door."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from deployments.services import deploy_design
from designs.access import NOBODY, SYSTEM, Caller, caller_of
from designs.errors import (
    DesignInUse,
    ImportRefused,
    NotAllowed,
    SuggestionsOutdated,
)
from designs.models import Design
from designs.patterns.catalogue import check_document
from designs.sample_files import load_samples
from designs.services import (
    apply_suggestions,
    change_draft,
    check_draft,
    create_design,
    delete_design,
    export_design,
    import_designs,
    publish_design,
    restore_version,
)
from tests.documents import cyclic, doubling, greeting

pytestmark = pytest.mark.django_db


def make(document: dict[str, Any] | None = None) -> Design:
    return create_design(document=document or doubling(), caller=SYSTEM)


# --- Files ----------------------------------------------------------------------------------------


def test_bytes_and_values_are_imported_alike(designer: User) -> None:
    caller = caller_of(designer)
    (by_value,) = import_designs(raw=doubling(), caller=caller)
    (by_bytes,) = import_designs(raw=json.dumps(doubling()).encode(), caller=caller)
    assert by_value.design.draft == by_bytes.design.draft
    assert by_value.design.created_by == designer
    assert by_value.warnings == ()


def test_an_import_is_all_or_nothing() -> None:
    for raw in ([doubling(), 5], [doubling(), {}], b"[", b"\xff", [], None):
        with pytest.raises(ImportRefused) as refused:
            import_designs(raw=raw, caller=SYSTEM)
        assert refused.value.problems
    assert not Design.objects.exists()


def test_an_export_of_every_sample_comes_back_the_same() -> None:
    for sample in load_samples():
        text = export_design(make(sample.document))
        (again,) = import_designs(raw=text.encode(), caller=SYSTEM)
        assert export_design(Design.objects.get(pk=again.design.pk)) == text
        assert check_draft(again.design).problems == ()


def test_a_name_that_is_no_text_is_a_problem_not_an_error() -> None:
    for name in (5, [], {}, True):
        design = make({**doubling(), "name": name, "description": name})
        assert (design.name, design.description) == ("Untitled design", "")
        assert {"/name", "/description"} <= {p.path for p in check_draft(design).problems}
        change_draft(design=design, caller=SYSTEM, document={"name": name})
        assert json.loads(export_design(design))["name"] == name


def test_a_long_name_is_kept_in_the_draft() -> None:
    design = make({**doubling(), "name": "n" * 300})
    assert design.name == "n" * 200
    assert design.draft["name"] == "n" * 300


def test_a_draft_without_a_name_keeps_the_old_one() -> None:
    design = change_draft(design=make(), caller=SYSTEM, document={"schema": 1, "blocks": []})
    assert design.name == design.draft["name"] == "Doubling"


def test_any_value_can_be_validated() -> None:
    assert check_document(doubling()).problems == ()
    for value in (None, 5, "text", [], {}, cyclic()):
        assert check_document(value).problems


# --- Versions ------------------------------------------------------------------------------------


def test_a_restored_version_is_the_draft() -> None:
    design = make()
    version = publish_design(design=design, caller=SYSTEM)
    change_draft(design=design, caller=SYSTEM, document=greeting())
    restored = restore_version(version=version, caller=SYSTEM)
    assert restored.draft == version.document
    assert Design.objects.get(pk=design.pk).name == "Doubling"
    assert design.versions.count() == 1


def test_a_design_in_use_is_not_deleted() -> None:
    design, free = make(), make()
    publish_design(design=free, caller=SYSTEM)
    deploy_design(design=design, endpoint_path="/double", caller=SYSTEM)
    with pytest.raises(DesignInUse):
        delete_design(design=design)
    delete_design(design=free)
    assert list(Design.objects.all()) == [design]
    assert design.versions.count() == 1


# --- Suggestions ----------------------------------------------------------------------------------


def suggestion(**changes: Any) -> dict[str, Any]:
    return {
        "block_id": "greet",
        "agent_id": "writer",
        "current_prompt": "You write greetings.",
        "suggested_prompt": "You write warm greetings, as {{ input.secret }} says.",
        "reasoning": "Warmer.",
        **changes,
    }


EDITS = suggestion(
    agent_id="editor", current_prompt="You shorten greetings.", suggested_prompt="You cut."
)


@pytest.fixture
def caller(designer: User) -> Caller:
    return caller_of(designer)


def test_suggestions_change_the_draft(caller: Caller) -> None:
    design = make(greeting())
    published = publish_design(design=design, caller=SYSTEM)
    apply_suggestions(design=design, suggestions=[suggestion(), EDITS], caller=caller)
    design.refresh_from_db()
    writer, editor = design.draft["blocks"][0]["agents"]
    # A model wrote it: it cannot read what the prompt did not read before.
    assert writer["system_prompt"] == "You write warm greetings, as \\{{ input.secret }} says."
    assert editor["system_prompt"] == "You cut."
    assert check_draft(design).problems == ()
    published.refresh_from_db()
    assert published.document["blocks"][0]["agents"][0]["system_prompt"] == "You write greetings."


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (suggestion(agent_id="ghost"), "`ghost`"),
        (suggestion(block_id="gone"), "`gone`"),
        (suggestion(current_prompt="Older."), "changed since"),
        (EDITS, "two suggestions"),
        ({"block_id": "greet"}, "both prompts"),
        (suggestion(suggested_prompt=7), "both prompts"),
    ],
)
def test_suggestions_are_all_applied_or_none(
    caller: Caller, bad: dict[str, Any], words: str
) -> None:
    design = make(greeting())
    with pytest.raises(SuggestionsOutdated, match=words):
        apply_suggestions(design=design, suggestions=[EDITS, bad], caller=caller)
    with pytest.raises(SuggestionsOutdated):
        apply_suggestions(design=design, suggestions=[], caller=caller)
    design.refresh_from_db()
    assert design.draft["blocks"] == greeting()["blocks"]


def test_who_may_not_change_designs_applies_no_suggestion(
    make_user: Callable[..., User],
) -> None:
    design = make(greeting())
    for caller in (NOBODY, caller_of(make_user("somebody", "Operator"))):
        with pytest.raises(NotAllowed):
            apply_suggestions(design=design, suggestions=[suggestion()], caller=caller)
