"""Every change of a design, deployment, schedule, key, group, … has its entry, with before and
after.
"""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from deployments.callbacks.deliveries import change_secret
from deployments.models import Deployment
from deployments.schedules.pausing import pause_unusable
from deployments.schedules.scheduling import remove_schedule, switch_schedule, update_schedule
from deployments.services import change_deployment, undeploy
from designs.access import SYSTEM
from designs.auditing.audit import Action, AuditEntry
from designs.models import DesignVersion
from designs.services import change_draft, create_design, delete_design, publish_design
from orchestra.audit.rows import AUDITED, audited_fields
from tests.documents import doubling
from tests.orchestra.admin_rows import MAKERS, deployment, user
from tests.orchestra.audit.entries import entries, last

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("label", sorted(AUDITED.keys() - {"deployments.CallbackSecret"}))
def test_what_is_made_and_deleted_is_there(label: str) -> None:
    row = MAKERS[label]()
    made = entries(row)[0]
    assert made.action == Action.CREATE
    assert made.changes.keys() <= {*audited_fields(type(row), AUDITED[label])}
    assert all(before in (None, "") for before, _ in made.changes.values())
    if label in ("designs.DesignVersion", "deployments.Deployment"):
        # What was published or deployed stays; a design goes with its versions, see below.
        return
    pk = row.pk
    row.delete()
    row.pk = pk
    gone = last(row)
    assert gone.action == Action.DELETE
    assert all(after in (None, "") for _, after in gone.changes.values())
    assert gone.changes.keys() <= made.changes.keys()


def test_a_callback_secret() -> None:
    owner = deployment()
    first, second = (change_secret(deployment=owner, overlap_seconds=60) for _ in range(2))
    made, rotated = entries(owner.callback_secret)
    assert (made.action, rotated.action) == (Action.CREATE, Action.ROTATE)
    assert rotated.changes["secret"] == ["(secret)", "(secret)"]
    assert rotated.deployment_id == owner.pk
    assert first not in str(made.changes)
    assert second not in str(rotated.changes)


def test_every_field_is_audited_or_left_out_on_purpose() -> None:
    for label, left_out in AUDITED.items():
        model = apps.get_model(label)
        names = {field.name for field in model._meta.concrete_fields}
        assert left_out - {"created_by", "created_at", "updated_at"} <= names, label


def test_a_draft_is_told_place_by_place() -> None:
    row = create_design(document=doubling(), caller=SYSTEM)
    document = doubling()
    document["blocks"][1]["settings"]["expression"] = "max(incoming)"
    change_draft(design=row, caller=SYSTEM, document=document, name="Larger")
    assert last(row).changes == {
        "name": ["Doubling", "Larger"],
        "draft/name": ["Doubling", "Larger"],
        "draft/blocks/double/settings/expression": ["sum(incoming)", "max(incoming)"],
    }
    count = len(entries(row))
    change_draft(design=row, caller=SYSTEM, document=document, name="Larger")
    assert len(entries(row)) == count
    publish_design(design=row, caller=SYSTEM, note="Second")
    version = DesignVersion.objects.get(design=row)
    assert last(version).changes["note"] == [None, "Second"]
    pk = row.pk
    delete_design(design=row)
    row.pk = pk
    assert last(row).changes["draft"][0]["name"] == "Larger"
    assert last(version).action == Action.DELETE


def test_a_deployment() -> None:
    row = deployment()
    board = Group.objects.create(name="Board")
    row = Deployment.objects.select_related("version", "design").get(pk=row.pk)
    change_deployment(deployment=row, caller=SYSTEM, timeout_seconds=30, groups=[board])
    changed, *links = entries(row)[-3:]
    assert changed.changes == {"timeout_seconds": [600, 30]}
    assert [entry.changes["groups"] for entry in links] == [[["Viewer"], []], [[], ["Board"]]]
    undeploy(deployment=row, caller=SYSTEM)
    assert last(row).action == Action.UNDEPLOY
    assert last(row).changes["status"] == ["active", "inactive"]
    assert {entry.deployment_id for entry in entries(row)} == {row.pk}


def test_a_deployment_that_pauses_itself_by_a_statement() -> None:
    row = deployment()
    assert pause_unusable(row.pk)
    assert last(row).changes["status"] == ["active", "error"]
    assert "problems" in last(row).changes["status_reason"][1]
    assert last(row).actor_name == "system"
    count = len(entries(row))
    assert not pause_unusable(row.pk)
    assert len(entries(row)) == count


def test_a_schedule_and_the_row_behind_it() -> None:
    row = deployment().schedules.get()
    task = row.beat_task
    assert entries(task)[0].deployment_id == row.deployment_id
    update_schedule(
        schedule=row,
        changes={
            "cron_expression": "5 7 * * *",
            "jitter_seconds": 9,
            "input_data": {"number": 2},
        },
    )
    assert last(row).changes == {"jitter_seconds": [0, 9], "input_data/number": [1, 2]}
    before, after = last(task).changes["crontab"]
    assert before != after
    assert after.startswith("5 7 * * *")
    switch_schedule(schedule=row, enabled=False)
    assert last(task).changes == {"enabled": [True, False]}
    remove_schedule(schedule=row)
    gone = AuditEntry.objects.filter(deployment_id=row.deployment_id, action=Action.DELETE)
    assert {entry.model for entry in gone} == {
        "deployments.schedule",
        "django_celery_beat.periodictask",
    }


def test_people_groups_and_their_rights() -> None:
    ada = user()
    group = Group.objects.get(name="Operator")
    ada.groups.set([group])
    added, removed = entries(ada)[-1], entries(ada)[-2]
    assert removed.changes == {"groups": [["Viewer", "Deployer"], []]}
    assert added.changes == {"groups": [[], ["Operator"]]}
    group.user_set.remove(ada)
    assert last(ada).changes == {"groups": [["Operator"], []]}
    ada.groups.add(group)
    group.user_set.clear()
    assert last(ada).changes == {"groups": [["Operator"], []]}
    right = Permission.objects.get(codename="add_design")
    group.permissions.add(right)
    before, after = last(group).changes["permissions"]
    assert set(after) - set(before) == {"designs.add_design"}
    ada.user_permissions.add(right)
    assert last(ada).changes == {"user_permissions": [[], ["designs.add_design"]]}
