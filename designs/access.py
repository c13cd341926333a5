"""Permissions: the caller of an operation, and the groups' permissions. Nothing else decides."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from designs.errors import RightMissing

SCOPES = ("execute", "read", "manage", "approve")
# Those of a key for which none are named: to decide for a person is never meant by the way.
DEFAULT_SCOPES = SCOPES[:3]

_VIEWS = (
    "designs.view_design",
    "designs.view_designversion",
    "executor.view_execution",
    "executor.view_blockresult",
    "executor.view_step",
    "executor.view_dailytotals",
    "executor.view_decisionrequest",
    "executor.view_vote",
    "deployments.view_deployment",
    "deployments.view_schedule",
    "deployments.view_occurrence",
    "deployments.view_exclusioncalendar",
)
_OPERATES = (
    "executor.view_payload",
    "executor.operate_execution",
    "executor.decide_request",
    "executor.view_toolintent",
    "deployments.execute_deployment",
    "deployments.view_apikey",
    "deployments.add_apikey",
    "deployments.delete_apikey",
    "deployments.view_delivery",
)
_DESIGNS = (
    "designs.add_design",
    "designs.change_design",
    "designs.delete_design",
    "designs.publish_design",
    "designs.try_design",
)
_DEPLOYS = (
    "deployments.add_deployment",
    "deployments.change_deployment",
    "deployments.delete_deployment",
    "deployments.add_schedule",
    "deployments.change_schedule",
    "deployments.delete_schedule",
    "deployments.add_exclusioncalendar",
    "deployments.change_exclusioncalendar",
    "deployments.delete_exclusioncalendar",
    # Beat's rows are created with their schedules.
    "django_celery_beat.view_periodictask",
    "django_celery_beat.change_periodictask",
    *(
        f"django_celery_beat.{verb}_{model}"
        for model in ("crontabschedule", "intervalschedule")
        for verb in ("view", "add", "change")
    ),
)

# None means every permission.
GROUPS: dict[str, tuple[str, ...] | None] = {
    "Viewer": _VIEWS,
    "Operator": _VIEWS + _OPERATES,
    "Designer": _VIEWS + _OPERATES + _DESIGNS,
    "Deployer": _VIEWS + _OPERATES + _DEPLOYS,
    "Administrator": None,
}

# The scopes of which a key needs one, by the first word of a permission's codename.
_SCOPE_BY_VERB = {
    "view": ("read", "manage"),
    "execute": ("execute",),
    "operate": ("execute",),
    "decide": ("approve",),
}
# A key that can start a run can read its answer.
_READ_BY_EXECUTE = frozenset(
    {"deployments.view_deployment", "executor.view_execution", "executor.view_payload"}
)
# A key that can decide can read what it decides.
_READ_BY_APPROVE = frozenset({"executor.view_decisionrequest"})
# The audit shows everyone's actions, which is more than the scope `read` is meant for.
_MANAGED = frozenset({"designs.view_auditentry"})


@dataclass(frozen=True, slots=True)
class MakerKey:
    """A key that created another one, which counts against the limits of both."""

    id: uuid.UUID
    requests_per_minute: int | None = None
    requests_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, key or schedule that makes a request; determined once, at its beginning.

    `scopes` is None for a person, who has no restriction beyond the permissions. `deployment_ids`
    is None for a key that is not bound to deployments. `name` is shown in the history, `key_name`
    in the audit. The requests and `max_concurrent` are the key's own limits, None without one.
    `schedule_id` is set when a schedule starts a run by itself. `makers` are the key that created
    this one, the key that created that one, and so on to the first.
    """

    user_id: int | None
    name: str
    permissions: frozenset[str]
    group_ids: frozenset[int]
    is_superuser: bool = False
    scopes: frozenset[str] | None = None
    deployment_ids: frozenset[uuid.UUID] | None = None
    key_id: uuid.UUID | None = None
    key_name: str = ""
    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    max_concurrent: int | None = None
    schedule_id: Any = None
    makers: tuple[MakerKey, ...] = ()

    def may(self, permission: str) -> bool:
        allowed = self.is_superuser or permission in self.permissions
        return allowed and self.within_scope(permission)

    def require(self, permission: str) -> None:
        """Raises RightMissing, with a message that tells a missing right from a missing scope."""
        if self.may(permission):
            return
        if not self.within_scope(permission):
            raise RightMissing(f"This API key's scopes do not cover this call ({permission}).")
        raise RightMissing(
            f"You do not have the right for this ({permission}). Ask an administrator."
        )

    def within_scope(self, permission: str) -> bool:
        """True if the key's scopes cover the permission, whether its owner has it or not."""
        if self.scopes is None:
            return True
        if "execute" in self.scopes and permission in _READ_BY_EXECUTE:
            return True
        if "approve" in self.scopes and permission in _READ_BY_APPROVE:
            return True
        if permission in _MANAGED:
            return "manage" in self.scopes
        verb = permission.partition(".")[2].partition("_")[0]
        return any(scope in self.scopes for scope in _SCOPE_BY_VERB.get(verb, ("manage",)))

    def sees(self, group_ids: Iterable[int], deployment_id: uuid.UUID) -> bool:
        """True if the caller may see a deployment limited to these groups (none: open to all)."""
        groups = frozenset(group_ids)
        if self.deployment_ids is not None and deployment_id not in self.deployment_ids:
            return False
        return self.is_superuser or not groups or bool(groups & self.group_ids)

    @property
    def rights(self) -> tuple[Any, ...]:
        """A value for comparison: callers with equal rights see the same rows."""
        bounds = (self.scopes, self.deployment_ids)
        return (self.user_id is None, self.is_superuser, self.permissions, self.group_ids, *bounds)

    @property
    def key_identity(self) -> str:
        """A stable text that identifies the caller, for idempotency keys."""
        if self.schedule_id is not None:
            return f"schedule:{self.schedule_id}"
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user_id}"

    @property
    def turn_key(self) -> str:
        """Identifies the share of streams and turns: keys created by a key count as that key."""
        return f"key:{self.makers[-1].id}" if self.makers else self.key_identity


NOBODY = Caller(user_id=None, name="", permissions=frozenset(), group_ids=frozenset())
# The installation itself: schedules, sweeps, the first start.
SYSTEM = Caller(
    user_id=None, name="system", permissions=frozenset(), group_ids=frozenset(), is_superuser=True
)


def caller_of(user: User | AnonymousUser | Any, **bounds: Any) -> Caller:
    """The caller for a signed-in person, or for a key's owner with the key's `bounds`.

    NOBODY for anonymous and inactive users.
    """
    if not user.is_authenticated or not user.is_active:
        return NOBODY
    return Caller(
        user_id=user.pk,
        name=user.get_username(),
        permissions=frozenset(user.get_all_permissions()) if not user.is_superuser else frozenset(),
        group_ids=frozenset(group.pk for group in user.groups.all()),
        is_superuser=user.is_superuser,
        **bounds,
    )


def hidden_deployments(caller: Caller) -> QuerySet[Any, Any]:
    """The primary keys of deployments limited to groups that the caller is in none of."""
    deployments = apps.get_model("deployments", "Deployment")._default_manager
    return deployments.exclude(groups=None).exclude(groups__in=caller.group_ids).values("pk")


def seen_deployments(caller: Caller) -> QuerySet[Any, Any]:
    """The present deployments that the caller may see."""
    deployments: Any = apps.get_model("deployments", "Deployment")
    return cast("QuerySet[Any, Any]", deployments.objects.for_caller(caller))
