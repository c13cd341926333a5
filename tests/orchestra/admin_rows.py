"""Rows of every model that the admin shows, each with what its list joins."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    SolarSchedule,
)

from deployments.access.keys import create_key
from deployments.models import (
    Delivery,
    Deployment,
    IdempotencyKey,
    Occurrence,
    RetentionPolicy,
    Schedule,
)
from deployments.schedules.calendars import create_calendar
from deployments.services import deploy_design
from designs.access import SYSTEM, caller_of
from designs.auditing.audit import Action, note
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import Design, DesignVersion
from designs.models.checkpoint import Reason
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order
from executor.models import (
    BlockResult,
    DailyTotals,
    DecisionRequest,
    Execution,
    ModelConnection,
    SavedView,
    Step,
    Tool,
    ToolConnection,
    ToolIntent,
    Trigger,
    VersionTotals,
)
from tests.documents import doubling
from tests.executions import new_execution

_numbers = itertools.count()


def number() -> int:
    return next(_numbers)


def user() -> User:
    made = User.objects.create_user(f"person{number()}")
    made.groups.set(Group.objects.filter(name__in=("Viewer", "Deployer")))
    return made


def design() -> Design:
    return create_design(document=doubling(), caller=caller_of(user()))


def version() -> DesignVersion:
    return publish_design(design=design(), caller=SYSTEM)


def deployment() -> Deployment:
    return deploy_design(
        design=version().design,
        endpoint_path=f"/made/{number()}",
        caller=SYSTEM,
        schedule={"cron_expression": f"{number() % 60} 9 * * *", "input_data": {"number": 1}},
        groups=Group.objects.filter(name="Viewer"),
    )


def execution() -> Execution:
    where = deployment()
    order = Order(where.version, {"number": 1}, Trigger.MANUAL, SYSTEM, deployment_id=where.pk)
    made = new_execution(order)
    made.save(force_insert=True)
    return made


def schedule() -> Schedule:
    return deployment().schedules.get()


def occurrence() -> Occurrence:
    ran = execution()
    assert ran.deployment is not None
    return Occurrence.objects.create(
        schedule=ran.deployment.schedules.get(),
        due_at=timezone.now(),
        outcome=Occurrence.Outcome.RAN,
        execution=ran,
    )


def step() -> Step:
    now = timezone.now()
    return Step.objects.create(
        execution=execution(), key="a/1", block_id="a", purpose="answer", started_at=now,
        finished_at=now,
    )  # fmt: skip


def request() -> DecisionRequest:
    made = DecisionRequest.objects.create(
        execution=execution(), key="a/1", kind="approval", question=f"Question {number()}?"
    )
    voter = user()
    made.votes.create(user=voter, username=voter.username, verdict="approve", answers={"a": 1})
    return made


def idempotency_key() -> IdempotencyKey:
    ran = execution()
    return IdempotencyKey.objects.create(
        deployment=ran.deployment, caller="user:1", key="k", body_digest="d", execution=ran
    )


def delivery() -> Delivery:
    ran = execution()
    return Delivery.objects.create(
        deployment=ran.deployment, execution=ran, url="https://example.org/told"
    )


def sign_in(model: Any, **more: Any) -> Any:
    address = f"203.0.113.{number() % 250}"
    return model.objects.create(username=f"person{number()}", ip_address=address, **more)


def tool_connection() -> ToolConnection:
    return ToolConnection.objects.create(name=f"tools{number()}", url="http://192.0.2.1/mcp")


MAKERS: dict[str, Callable[[], Any]] = {
    "axes.AccessAttempt": lambda: sign_in(AccessAttempt, failures_since_start=5),
    "axes.AccessFailureLog": lambda: sign_in(AccessFailureLog),
    "axes.AccessLog": lambda: sign_in(AccessLog),
    "auth.Group": lambda: Group.objects.create(name=f"group{number()}"),
    "auth.User": user,
    "designs.AuditEntry": lambda: note(Action.EXPORT, Design(name="Any"), count=number()),
    "designs.Design": design,
    "designs.DesignVersion": version,
    "designs.DraftCheckpoint": lambda: keep_checkpoint(
        design=design(), caller=SYSTEM, reason=Reason.BY_HAND
    ),
    "deployments.ApiKey": lambda: create_key(owner=user(), deployments=[deployment()])[0],
    "deployments.Delivery": delivery,
    "deployments.Deployment": deployment,
    "deployments.IdempotencyKey": idempotency_key,
    "deployments.Occurrence": occurrence,
    "deployments.RetentionPolicy": lambda: RetentionPolicy.objects.create(
        deployment=deployment(), history_days=30
    ),
    "deployments.ExclusionCalendar": lambda: create_calendar(
        name=f"calendar{number()}", entries=[{"from": "2026-12-24"}]
    ),
    "deployments.Schedule": schedule,
    "django_celery_beat.ClockedSchedule": lambda: ClockedSchedule.objects.create(
        clocked_time=timezone.now()
    ),
    "django_celery_beat.CrontabSchedule": lambda: CrontabSchedule.objects.create(
        minute=number() % 60
    ),
    "django_celery_beat.IntervalSchedule": lambda: IntervalSchedule.objects.create(
        every=number() + 1, period="hours"
    ),
    "django_celery_beat.PeriodicTask": lambda: schedule().beat_task,
    "django_celery_beat.SolarSchedule": lambda: SolarSchedule.objects.create(
        event="sunset", latitude=number() % 90, longitude=1
    ),
    "executor.BlockResult": lambda: BlockResult.objects.create(execution=execution(), block_id="a"),
    "executor.DailyTotals": lambda: DailyTotals.objects.create(
        deployment=(where := deployment()), design=where.design, day=timezone.now().date()
    ),
    "executor.DecisionRequest": request,
    "executor.Execution": execution,
    "executor.ModelConnection": lambda: ModelConnection.objects.create(
        name=f"connection{number()}", base_url="http://127.0.0.1:9/v1", api_key="a key"
    ),
    "executor.SavedView": lambda: SavedView.objects.create(
        user=user(), name=f"view{number()}", query="status=failed"
    ),
    "executor.Step": step,
    "executor.Tool": lambda: Tool.objects.create(connection=tool_connection(), name="search"),
    "executor.ToolIntent": lambda: ToolIntent.objects.create(
        execution=execution(), key="a/1/tool.1", tool="crm.send_mail"
    ),
    "executor.ToolConnection": lambda: tool_connection(),
    "executor.VersionTotals": lambda: VersionTotals.objects.create(
        deployment=(where := deployment()), version=where.version
    ),
}


def make(model: type[Model], count: int) -> list[Any]:
    """So many new rows of the model, each with its own relatives."""
    return [MAKERS[model._meta.label]() for _ in range(count)]
