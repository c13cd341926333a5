"""What permissions mean, in words: what a group may, as the table of access says it."""

from __future__ import annotations

from collections.abc import Iterable

from designs.access import GROUPS


def _more(group: str, than: str) -> frozenset[str]:
    """What the group of the installation may beyond another one."""
    return frozenset(GROUPS[group] or ()) - frozenset(GROUPS[than] or ())


_OPERATOR = _more("Operator", "Viewer")
_PAYLOADS = frozenset({"executor.view_payload"})
_KEYS = frozenset(name for name in _OPERATOR if name.endswith("_apikey"))

# In the order of the table: what may be done, and which permissions that takes.
ABILITIES: tuple[tuple[str, frozenset[str]], ...] = (
    ("See designs, deployments and the history", frozenset(GROUPS["Viewer"] or ())),
    ("See inputs, outputs and prompts in the history", _PAYLOADS),
    ("Execute deployments; cancel and re-run executions", _OPERATOR - _PAYLOADS - _KEYS),
    ("Create, edit and publish designs; try drafts", _more("Designer", "Operator")),
    ("Deploy, change and undeploy; schedules and limits", _more("Deployer", "Operator")),
    ("Make keys for what one may execute", _KEYS),
    ("See and revoke everybody's keys", frozenset({"deployments.change_apikey"})),
    (
        "Manage model connections",
        frozenset(
            f"executor.{verb}_modelconnection" for verb in ("view", "add", "change", "delete")
        ),
    ),
    (
        "Manage users and groups",
        frozenset(
            f"auth.{verb}_{model}"
            for verb in ("view", "add", "change", "delete")
            for model in ("user", "group")
        ),
    ),
    ("Read the audit", frozenset({"designs.view_auditentry"})),
    (
        "Set how long history is kept; hold executions",
        frozenset({"executor.change_execution"})
        | frozenset(
            f"deployments.{verb}_retentionpolicy" for verb in ("view", "add", "change", "delete")
        ),
    ),
    (
        "See idempotency keys; keep solar and clocked times",
        frozenset({"deployments.view_idempotencykey"})
        | frozenset(
            f"django_celery_beat.{verb}_{model}"
            for verb in ("view", "add", "change", "delete")
            for model in ("solarschedule", "clockedschedule")
        ),
    ),
    (
        "See sign-ins and lift their locks",
        frozenset(
            {
                "axes.view_accesslog",
                "axes.view_accessfailurelog",
                "axes.view_accessattempt",
                "axes.delete_accessattempt",
            }
        ),
    ),
)


def words_for(permissions: Iterable[str]) -> list[str]:
    """One sentence an ability: what these permissions allow wholly, then what only in part."""
    have = frozenset(permissions)
    whole = [words for words, needed in ABILITIES if needed <= have]
    partly = [
        f"{words} – only in part: lacks {', '.join(sorted(needed - have))}"
        for words, needed in ABILITIES
        if needed & have and not needed <= have
    ]
    return whole + partly
