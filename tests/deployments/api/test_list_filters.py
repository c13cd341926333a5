"""What an address asks of a list that there is not is refused, by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
# Refused before any row is asked for.
refused = pytest.mark.any_database

LISTS = (
    "designs", "designs/{design}/versions", "deployments", "deployments/{deployment}/logs",
    "deployments/{deployment}/deliveries", "deployments/{deployment}/schedules",
    "deployments/{deployment}/schedules/{schedule}/occurrences", "keys", "executions",
    "executions/{execution}/steps", "audit",
)  # fmt: skip


@pytest.fixture
def ask(
    deploy: Callable[..., Deployment], administrator: User, browser_of: Callable[[User], Client]
) -> Callable[[str], tuple[int, dict]]:
    """Asks a list: `ask("executions?limit=1")`."""
    deployment = deploy(schedule={"interval_seconds": 60})
    names = {
        "design": deployment.design_id,
        "deployment": deployment.pk,
        "schedule": deployment.schedules.get().pk,
        "execution": ended(deployment, degraded=True).pk,
    }
    ended(deployment, days_ago=2)
    browser = browser_of(administrator)

    def get(url: str) -> tuple[int, dict]:
        answer = browser.get(f"/api/{url.format(**names)}")
        return answer.status_code, answer.json()

    return get


Ask = Callable[[str], tuple[int, dict]]


@refused
@pytest.mark.parametrize("path", LISTS)
def test_unknown_names_are_refused_with_the_known_ones(ask: Ask, path: str) -> None:
    assert ask(path)[0] == 200
    status, body = ask(f"{path}?stauts=failed")
    assert status == 422
    [text] = body["errors"]["stauts"]
    assert text.startswith("There is no such filter. There are: ")
    assert "limit" in text


@refused
@pytest.mark.parametrize("path", LISTS)
def test_limits_are_numbers_from_1_to_500(ask: Ask, path: str) -> None:
    for limit in ("abc", "-1", "0", "501", "1e2", "²", "9" * 5_000, ""):
        status, body = ask(f"{path}?limit={limit}")
        assert status == 422, limit[:10]
        assert body["errors"]["limit"] == ["Write a whole number from 1 to 500."]
    assert ask(f"{path}?limit=500")[0] == 200


@refused
@pytest.mark.parametrize("path", ["designs", "deployments", "keys"])
def test_offsets_are_numbers(ask: Ask, path: str) -> None:
    assert ask(f"{path}?offset=-1")[0] == 422
    assert ask(f"{path}?offset=0")[0] == 200


@refused
@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("executions?status=bogus", "status", "queued, running"),
        ("executions?trigger_type=x", "trigger_type", "manual, scheduled, api"),
        ("executions?deployment_id=1", "deployment_id", "valid UUID"),
        ("executions?design=1", "design", "no such filter"),
        ("executions?ordering=bogus", "ordering", "no such filter"),
        ("executions?degraded=bogus", "degraded", "true or false"),
        ("executions?started_after=yesterday", "started_after", "%2B in an address"),
        ("designs?ordering=bogus", "ordering", "created_at"),
        ("deployments?ordering=bogus", "ordering", "endpoint_path, -endpoint_path"),
        ("deployments?status=x", "status", "active, inactive, error"),
        ("deployments/{deployment}/deliveries?status=x", "status", "pending"),
        ("audit?action=x", "action", "create"),
        ("audit?since=2026", "since", "%2B in an address"),
    ],
)
def test_wrong_values_are_refused_in_words(ask: Ask, query: str, field: str, says: str) -> None:
    status, body = ask(query)
    assert (status, list(body["errors"])) == (422, [field])
    assert says in " ".join(body["errors"][field])


@refused
@pytest.mark.parametrize(
    "query",
    [
        "executions?degraded=true&degraded=false",
        "executions?limit=1&limit=2",
        "deployments?status=active&status=error",
        "deployments?text=a&text=",
        "audit?actor=a&actor=b",
    ],
)
def test_of_two_values_where_one_counts_neither_is_left_out_in_silence(
    ask: Ask, query: str
) -> None:
    status, body = ask(query)
    [[text]] = body["errors"].values()
    assert (status, text.endswith("Give it once.")) == (422, True)


def test_several_values_where_any_may_hold(ask: Ask) -> None:
    for query in ("executions?status=completed&status=failed", "audit?action=create&action=update"):
        assert ask(query)[0] == 200


@pytest.mark.parametrize(
    ("value", "count"),
    [("true", 1), ("1", 1), ("yes", 1), ("True", 1), ("false", 1), ("0", 1), ("no", 1), ("", 2)],
)
def test_true_and_false_have_several_words(ask: Ask, value: str, count: int) -> None:
    status, body = ask(f"executions?degraded={value}")
    assert (status, len(body["results"])) == (200, count)


@pytest.mark.parametrize(
    "at", ["2100-01-05T00:00:00+01:00", "2100-01-05T00:00:00%2B01:00", "2100-01-05T00:00:00Z"]
)
def test_times_may_have_a_plain_plus(ask: Ask, at: str) -> None:
    assert len(ask(f"executions?started_before={at}")[1]["results"]) == 2
    assert ask(f"executions?started_after={at}")[1]["results"] == []


def test_deployments_are_ordered(ask: Ask, deploy: Callable[..., Deployment]) -> None:
    deploy(path="/a")
    found = [row["endpoint_path"] for row in ask("deployments?ordering=-created_at")[1]["results"]]
    assert found == ["/a", "/double"]
