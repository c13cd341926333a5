"""Permissions in words, as in the table of access."""

from __future__ import annotations

from collections.abc import Iterable

from designs.access import GROUPS


def _more(group: str, than: str) -> frozenset[str]:
    """The permissions that a default group has beyond another one."""
    return frozenset(GROUPS[group] or ()) - frozenset(GROUPS[than] or ())


def _all(app: str, *models: str) -> frozenset[str]:
    verbs = ("view", "add", "change", "delete")
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs for model in models)


_OPERATOR = _more("Operator", "Viewer")
_PAYLOADS = frozenset({"executor.view_payload"})
_KEYS = frozenset(name for name in _OPERATOR if name.endswith("_apikey"))

# An ability and the permissions it takes, in the order of the table.
ABILITIES: tuple[tuple[str, frozenset[str]], ...] = (
    ("See designs, deployments and the history", frozenset(GROUPS["Viewer"] or ())),
    ("See inputs, outputs and prompts in the history", _PAYLOADS),
    ("Execute deployments; cancel and re-run executions", _OPERATOR - _PAYLOADS - _KEYS),
    ("Create, edit and publish designs; try drafts", _more("Designer", "Operator")),
    ("Deploy, change and undeploy; schedules and limits", _more("Deployer", "Operator")),
    ("Create keys for what they may execute", _KEYS),
    ("See and revoke everybody's keys", frozenset({"deployments.change_apikey"})),
    ("Manage model connections", _all("executor", "modelconnection")),
    ("Manage tool connections and tools", _all("executor", "toolconnection", "tool")),
    ("Manage users and groups", _all("auth", "user", "group")),
    ("Read the audit", frozenset({"designs.view_auditentry"})),
    (
        "Set how long history is kept; hold executions",
        _all("deployments", "retentionpolicy") | {"executor.change_execution"},
    ),
    (
        "See idempotency keys; keep solar and clocked times",
        _all("django_celery_beat", "solarschedule", "clockedschedule")
        | {"deployments.view_idempotencykey"},
    ),
    (
        "See sign-ins and lift their locks",
        frozenset(f"axes.view_access{name}" for name in ("log", "failurelog", "attempt"))
        | {"axes.delete_accessattempt"},
    ),
)


def words_for(permissions: Iterable[str]) -> list[str]:
    """A sentence for each ability, first those that the permissions cover completely."""
    have = frozenset(permissions)
    whole = [words for words, needed in ABILITIES if needed <= have]
    partly = [
        f"{words} – partly; missing {', '.join(sorted(needed - have))}"
        for words, needed in ABILITIES
        if needed & have and not needed <= have
    ]
    return whole + partly
