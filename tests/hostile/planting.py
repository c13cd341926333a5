"""Rows of every kind with given texts, written past the doors where those would refuse them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from deployments.models import ApiKey, Delivery, Deployment, IdempotencyKey, Occurrence, Schedule
from deployments.schedules.calendars import create_calendar
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.auditing.audit import Action, note
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import AuditEntry, Design, DesignVersion
from designs.models.checkpoint import Reason
from designs.services import create_design, publish_design
from executor.models import (
    BlockResult,
    DecisionRequest,
    Execution,
    ModelConnection,
    Step,
    Trigger,
)
from tests.access_routes import World, address, routes
from tests.admin_pages import url_of
from tests.documents import doubling
from tests.hostile.tools import plant_tools

if TYPE_CHECKING:
    from tests.hostile.rows import Planting

LIVE_FOR = timedelta(hours=1)
NOT_OPENED = ("/sign-out", "/stream/", "/result/", "/preview/")


def plant(given: Planting) -> list[str]:
    """All rows; the addresses of the pages that show them."""
    owner = _people(given)
    design = _designs(given)
    deployment = _deployments(given, design)
    execution = _executions(given, deployment, owner)
    key = _keys(given, owner)
    rows: list[Any] = [owner, design, design.latest(), deployment, execution, key]
    connection = _connections(given)
    rows += [connection, Group.objects.order_by("-pk").first()]
    rows += _parts(given, execution)
    audited = [_history(given, row, owner) for row in rows]
    checkpoint = keep_checkpoint(design=design, caller=SYSTEM, reason=Reason.BY_HAND)
    schedule = deployment.schedules.get()
    calendar = create_calendar(name=f"planted {given.kind}", entries=[{"from": "2026-12-24"}])
    request = DecisionRequest.objects.create(
        execution=execution, key="pair/0", kind="approval", block_id="pair",
        question=given.long[:2_000], shown=given.names,
    )  # fmt: skip
    tool = plant_tools(given)
    world = World(
        design, deployment, execution, key, schedule, checkpoint, connection, calendar, request,
        tool,
    )  # fmt: skip
    rows += [checkpoint, calendar, request, tool, tool.connection]
    rows += [world.schedule, world.schedule.beat_task, audited[0]]
    return [*_pages(world), *_live(execution), *_admin(rows), *_searches(given)]


def _people(given: Planting) -> User:
    names = given.short(140)
    people = [
        User(username=f"{name} {given.kind[:4]}"[:150], first_name=name, last_name=name, email=name)
        for name in names
    ]
    User.objects.bulk_create(people)
    groups = Group.objects.bulk_create(
        [Group(name=f"{name} {given.kind[:4]}"[:150]) for name in names]
    )
    owner = User.objects.order_by("-pk")[0]
    owner.groups.set(groups[-len(given.names) :])
    admin_user = User.objects.get(username="admin")
    admin_user.first_name = admin_user.last_name = given.names[0][:150]
    admin_user.save()
    return owner


def _designs(given: Planting) -> Design:
    Design.objects.bulk_create(
        [
            Design(name=name[:200], description=given.long, draft={"name": name})
            for name in given.short(200)
        ]
    )
    broken = create_design(document=given.document(given.names[1], broken=True), caller=SYSTEM)
    Design.objects.filter(pk=broken.pk).update(name=given.names[1])
    design = create_design(document=given.document(given.names[0]), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM, note=given.long[:500])
    return design


def _deployments(given: Planting, design: Design) -> Deployment:
    for at, name in enumerate(given.short(200)[-20:]):
        spare = Design.objects.filter(name=name[:200], versions=None).order_by("pk")[0]
        version = DesignVersion.objects.create(design=spare, number=1, document=doubling())
        Deployment.objects.create(
            design=spare, version=version, endpoint_path=f"{given.path}/{at}", status="error",
            status_reason=name, callback_url=f"https://{name}",
        )  # fmt: skip
    texts = {"number": 1, "texts": given.texts[:300]}
    rule = {"interval_seconds": 3600, "enabled": False, "input_data": texts}
    deployment = deploy_design(
        design=design, endpoint_path=given.path, caller=SYSTEM, schedule=rule
    )
    reason = " ".join(given.names)[:500]
    Deployment.objects.filter(pk=deployment.pk).update(
        status_reason=reason, callback_url=f"https://{given.names[0]}"
    )
    deployment.groups.set(Group.objects.order_by("-pk")[: len(given.names)])
    schedule = deployment.schedules.get()
    Schedule.objects.filter(pk=schedule.pk).update(error=reason)
    PeriodicTask.objects.filter(pk=schedule.beat_task_id).update(
        name=f"{given.names[0]} {given.kind}"[:200], description=given.long,
        kwargs=f'{{"a": "{given.kind}"}}',
    )  # fmt: skip
    return Deployment.objects.get(pk=deployment.pk)


def _executions(given: Planting, deployment: Deployment, owner: User) -> Execution:
    """One for each name; the last one ended with everything, and one still goes on."""
    now = timezone.now()
    error = {"class": given.names[0], "message": given.long, "block_id": "b0", "step": "b0/one"}
    common: dict[str, Any] = {
        "deployment": deployment, "design": deployment.design, "version": deployment.version,
        "trigger_type": Trigger.API, "models_default": given.names, "user": owner,
        "started_at": now, "attempt": 1,
    }  # fmt: skip
    ended = {**common, "completed_at": now, "error": error, "status": "failed"}
    Execution.objects.bulk_create(
        [Execution(**ended, triggered_by=name[:200]) for name in given.short(200)]
    )
    Execution.objects.create(
        **common, status="running", owner="nobody", lease_until=now + LIVE_FOR,
        deadline_at=now + LIVE_FOR, triggered_by=given.names[2],
    )  # fmt: skip
    half = len(given.texts) // 2
    return Execution.objects.create(
        **ended, triggered_by=" ".join(given.names)[:200], degraded=True,
        degraded_reasons=given.texts, input_data={"texts": given.texts[:half], given.names[0]: 1},
        result_data={"texts": given.texts[half:], given.names[1]: 1},
    )  # fmt: skip


def _parts(given: Planting, execution: Execution) -> list[Model]:
    """What hangs on an execution: blocks, steps, a callback, an idempotency key, an occurrence."""
    now = timezone.now()
    third = len(given.texts) // 3
    parts = [
        {"label": name, "value": "\n".join(given.texts[at * third : (at + 1) * third])}
        for at, name in enumerate(given.names[:4])
    ]
    error = {"class": "x", "message": given.long, "block_id": "b0", "step": given.names[0]}
    block = BlockResult.objects.create(
        execution=execution, block_id="b0", status="failed", output={"texts": given.texts},
        error=error, started_at=now, completed_at=now,
    )  # fmt: skip
    step = Step.objects.create(
        execution=execution, key=" ".join(given.names)[:250], block_id="b0", agent_id="one",
        purpose=given.names[3][:64], model=given.names[0], text=given.long, output=given.texts,
        prompt={"system": given.long[:15_000], "parts": parts}, started_at=now, finished_at=now,
    )  # fmt: skip
    tries = [
        {"at": now.isoformat(), "status_code": 500, "error": name, "duration_ms": 1}
        for name in given.names
    ]
    delivery = Delivery.objects.create(
        deployment=execution.deployment, execution=execution, status="failed", log=tries,
        url=f"https://{given.long[:1_900]}",
    )  # fmt: skip
    used = IdempotencyKey.objects.create(
        deployment=execution.deployment, caller=given.names[4][:64], body_digest="d",
        key=" ".join(given.names)[:255], execution=execution,
    )  # fmt: skip
    assert execution.deployment is not None
    occurrence = Occurrence.objects.create(
        schedule=execution.deployment.schedules.get(), due_at=now, outcome="ran",
        execution=execution,
    )  # fmt: skip
    return [block, step, delivery, used, occurrence]


def _keys(given: Planting, owner: User) -> ApiKey:
    for name in given.short(200):
        key = ApiKey(owner=owner, name=name[:200], scopes=["read"])
        key.set_new_secret()
        key.save()
    return key


def _connections(given: Planting) -> ModelConnection:
    for at, name in enumerate(given.names):
        row = ModelConnection.objects.create(
            name=f"{name} {at}"[:64] if at else f"{given.kind}", base_url=f"http://{name}"[:500],
            default_model=name[:135], test_sentence=given.long[:500], test_passed=False,
            tested_at=timezone.now(),
        )  # fmt: skip
    return row


def _history(given: Planting, row: Any, owner: User) -> AuditEntry:
    """What the admin's history and the audit say of the row."""
    kind = ContentType.objects.get_for_model(row)
    message = [{"changed": {"fields": given.names}}]
    for flag, name in ((ADDITION, given.names[0]), (CHANGE, given.names[1])):
        LogEntry.objects.create(
            user=owner, content_type=kind, object_id=str(row.pk), object_repr=name[:200],
            action_flag=flag, change_message=given.long if flag == ADDITION else message,
        )  # fmt: skip
    caller = replace(SYSTEM, name=given.names[0][:200], key_name=given.names[4][:200])
    return note(Action.EXPORT, row, caller=caller, texts=given.names, said=given.long[:5_000])


# --- Where they are shown -------------------------------------------------------------------------


def _pages(world: World) -> list[str]:
    found = {address(route, world) for route in routes() if not route.is_api}
    return sorted(path for path in found if not any(word in path for word in NOT_OPENED))


def _live(execution: Execution) -> list[str]:
    running = Execution.objects.filter(deployment=execution.deployment, status="running")
    return [reverse("executor:execution-detail", args=[row.pk]) for row in running]


def _admin(rows: list[Any]) -> list[str]:
    found = [reverse("admin:index")]
    for row in rows:
        page = admin.site._registry.get(type(row))
        if page is None:
            continue
        found += [url_of(row, name) for name in ("changelist", "add", "change", "history")]
        found.append(url_of(row, "delete"))
        found += [url_of(row).replace("/change/", f"/{path}/") for path in _verbs(page)]
        if isinstance(row, User):
            found.append(f"/admin/auth/user/{row.pk}/password/")
    return found


def _verbs(page: Any) -> list[str]:
    """The addresses of what can be done with a row, also of those in menus."""
    names: list[str] = []
    for verb in getattr(page, "actions_detail", ()):
        names += verb["items"] if isinstance(verb, dict) else [verb]
    paths = [getattr(getattr(page, name), "url_path", None) or name for name in names]
    return [path for path in paths if path != "export"]


def _searches(given: Planting) -> list[str]:
    """Lists and the history when they are asked for a text."""
    found = []
    for name in [*given.names[:3], " ".join(given.names[:3])]:
        asked = urlencode({"q": name, "text": name, "s": name, "extended": "1", "e": name})
        found += [f"/admin/{path}/?{asked}" for path in ("auth/user", "designs/design", "search")]
        found += [f"/{path}/?{asked}" for path in ("executions", "deployments", "designs")]
        found.append(f"/executions/?{urlencode({'trigger': name, 'status': name, 'before': name})}")
        found.append(f"/sign-in/?{urlencode({'next': name})}")
    return found
