"""The calls of schedules: several a deployment, changing, previews, what is refused, who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from deployments.models import Deployment, Schedule

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]

SHAPE = {
    "id", "deployment_id", "enabled", "cron_expression", "interval_seconds", "timezone",
    "start_at", "end_at", "one_off", "input_data", "payload_hidden", "overlap", "misfire",
    "misfire_window_seconds", "jitter_seconds", "pause_after_failures", "nonexistent_time",
    "repeated_time", "next_run_at", "calendar_id",
    "is_all_left_out", "words", "error", "created_at", "updated_at",
}  # fmt: skip
WEEKDAYS = {"cron_expression": "0 9 * * mon-fri", "timezone": "Europe/Berlin"}
NEEDED = {"input_data": {"number": 1}}


@pytest.fixture
def client(
    deployer: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(deployer))


def url_of(deployment: Deployment, *parts: Any) -> str:
    return "/".join(map(str, (f"/api/deployments/{deployment.pk}/schedules", *parts)))


def add(client: APIClient, deployment: Deployment, **fields: Any) -> Any:
    return client.post(url_of(deployment), fields, format="json")


def test_a_deployment_has_several_each_with_its_input(client: APIClient, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 3600, "input_data": {"number": 1}})
    answer = add(client, deployment, **WEEKDAYS, input_data={"number": 2}, overlap="queue")
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == SHAPE
    assert body["cron_expression"] == "0 9 * * 1-5"
    assert body["words"] == "every weekday at 09:00, Europe/Berlin"
    assert body["input_data"] == {"number": 2}
    assert client.get(answer["Location"]).json() == body
    listed = client.get(url_of(deployment)).json()
    assert [one["input_data"]["number"] for one in listed["results"]] == [1, 2]
    assert listed["next"] is listed["previous"] is None
    first = client.get(f"/api/deployments/{deployment.pk}").json()["schedule"]
    assert first == listed["results"][0]


def test_patch_changes_what_is_given(client: APIClient, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 3600, "input_data": {"number": 1}})
    url = url_of(deployment, deployment.schedules.get().pk)
    due = client.get(url).json()["next_run_at"]
    changed = client.patch(url, {"jitter_seconds": 30, "overlap": "allow"}, format="json").json()
    # The rule is the same, so its next time stays.
    assert (changed["jitter_seconds"], changed["next_run_at"]) == (30, due)
    changed = client.patch(url, WEEKDAYS, format="json").json()
    assert (changed["interval_seconds"], changed["timezone"]) == (None, "Europe/Berlin")
    assert (changed["jitter_seconds"], changed["input_data"]) == (30, {"number": 1})
    assert client.patch(url, {"enabled": False}, format="json").json()["next_run_at"] is None
    assert (
        client.patch(url, {"interval_seconds": 60}, format="json").json()["cron_expression"] is None
    )


def test_put_takes_back_what_get_showed_and_resets_the_rest(
    client: APIClient, deploy: Deploy
) -> None:
    limits = {"pause_after_failures": 3, "misfire_window_seconds": 60, "repeated_time": "twice"}
    span = {"start_at": "2027-01-01T00:00:00+01:00", "end_at": "2028-01-01T00:00:00Z"}
    deployment = deploy(schedule={"interval_seconds": 60})
    made = add(client, deployment, **WEEKDAYS, **limits, **span, **NEEDED, one_off=True).json()
    url = url_of(deployment, made["id"])
    same = client.put(url, made, format="json").json()
    assert {**same, "updated_at": ""} == {**made, "updated_at": ""}
    assert same["start_at"] == "2026-12-31T23:00:00Z"
    reset = client.put(url, {"interval_seconds": 5, **NEEDED}, format="json").json()
    assert (reset["pause_after_failures"], reset["one_off"], reset["end_at"]) == (None, False, None)
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert deployment.schedules.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "cron_expression"),
        ({"cron_expression": "0 9 * *"}, "cron_expression"),
        ({"cron_expression": "5/15 * * * *"}, "cron_expression"),
        ({"cron_expression": "* * * * *", "interval_seconds": 5}, "cron_expression"),
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"interval_seconds": 10**12}, "interval_seconds"),
        ({"interval_seconds": 5, "timezone": "Mars/Base"}, "timezone"),
        ({"interval_seconds": 5, "overlap": "maybe"}, "overlap"),
        ({"interval_seconds": 5, "misfire": "never"}, "misfire"),
        ({"interval_seconds": 5, "misfire_window_seconds": -1}, "misfire_window_seconds"),
        ({"interval_seconds": 5, "jitter_seconds": 10**6}, "jitter_seconds"),
        ({"interval_seconds": 5, "pause_after_failures": 0}, "pause_after_failures"),
        ({"interval_seconds": 5, "nonexistent_time": "twice"}, "nonexistent_time"),
        ({"interval_seconds": 5, "repeated_time": "next"}, "repeated_time"),
        ({"interval_seconds": 5, "one_off": "perhaps"}, "one_off"),
        ({"interval_seconds": 5, "start_at": "tomorrow"}, "start_at"),
        ({"interval_seconds": 5, "start_at": "2027-01-01T08:30:00"}, "start_at"),
        ({"interval_seconds": 5, "end_at": "2027-01-01"}, "end_at"),
        ({"interval_seconds": 5, "timezone": "localtime"}, "timezone"),
        ({"cron_expression": "*/90 * * * *"}, "cron_expression"),
        ({"interval_seconds": 5, "start_at": "0001-01-01T00:00:00+12:00"}, "start_at"),
        ({"interval_seconds": 5, "end_at": "9999-12-31T23:59:59-12:00"}, "end_at"),
        (
            {"interval_seconds": 5, "start_at": "2027-01-02T00:00Z", "end_at": "2027-01-01T00:00Z"},
            "end_at",
        ),
        ({"interval_seconds": 5, "input_data": [1]}, "input_data"),
        ({"interval_seconds": 5, "surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    client: APIClient, deploy: Deploy, fields: dict[str, Any], field: str
) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    url = url_of(deployment, deployment.schedules.get().pk)
    for answer in (
        add(client, deployment, **fields),
        client.put(url, fields, format="json"),
        client.post("/api/schedules/preview", fields, format="json"),
    ):
        assert answer.status_code == 422
        assert answer["Content-Type"] == "application/problem+json"
        assert field in answer.json()["errors"]
    assert deployment.schedules.count() == 1


def test_a_preview_shows_offsets_words_and_what_clocks_do(client: APIClient) -> None:
    fields = {
        "cron_expression": "30 2 * * *", "timezone": "Europe/Berlin", "count": 2,
        "start_at": "2027-03-27T12:00:00Z",
    }  # fmt: skip
    body = client.post("/api/schedules/preview", fields, format="json").json()
    assert body["words"] == "every day at 02:30, Europe/Berlin"
    assert body["timezone"] == "Europe/Berlin"
    first, second = body["runs"]
    assert (first["at"], first["local"]) == ("2027-03-28T01:00:00Z", "2027-03-28T03:00:00+02:00")
    assert first["offset"] == "+02:00"
    assert "02:30 does not exist" in first["remark"]
    assert second["remark"] == ""
    assert not Schedule.objects.exists()
    for count in (0, 101, "many"):
        answer = client.post("/api/schedules/preview", {**fields, "count": count}, format="json")
        assert "count" in answer.json()["errors"]


def test_only_who_may_changes_schedules(
    deploy: Deploy, viewer: User, operator: User, api_of: Callable[[User], APIClient]
) -> None:
    deployment = deploy(schedule={"interval_seconds": 60, "input_data": {"number": 7}})
    url = url_of(deployment, deployment.schedules.get().pk)
    for person in (viewer, operator):
        client = api_of(person)
        assert add(client, deployment, **WEEKDAYS).status_code == 403
        assert client.patch(url, {"enabled": False}, format="json").status_code == 403
        assert client.delete(url).status_code == 403
        assert client.post(f"{url}/backfill", {}, format="json").status_code == 403
        assert client.get(f"{url}/occurrences").status_code == 200
    hidden = api_of(viewer).get(url).json()
    assert (hidden["input_data"], hidden["payload_hidden"]) == (None, True)
    assert api_of(operator).get(url).json()["input_data"] == {"number": 7}
    assert APIClient().get(url).status_code == 401


def test_a_hidden_deployments_schedules_are_not_there(client: APIClient, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    other = deploy(path="/other", schedule={"interval_seconds": 60})
    foreign = url_of(deployment, other.schedules.get().pk)
    assert client.get(foreign).status_code == 404
    deployment.groups.set([Group.objects.create(name="Elsewhere")])
    url = url_of(deployment, deployment.schedules.get().pk)
    for path in (url_of(deployment), url, f"{url}/occurrences"):
        assert client.get(path).status_code == 404
    assert client.delete(url).status_code == 404
    assert client.post(f"{url}/backfill", {}, format="json").status_code == 404
