"""Designs inside deployed designs: which versions are played, who must see them, how deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from deployments.models import Deployment
from deployments.services import change_deployment
from designs.access import SYSTEM
from designs.models import Design, NestedUse
from designs.services import change_draft, publish_design
from executor.acceptance.documents import compiled_version
from executor.acceptance.nesting import resolve
from executor.models import Execution
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


def playing(*paths: str, name: str = "Outer", **settings: Any) -> dict[str, Any]:
    """A design that plays what is deployed at the paths, one after the other."""
    blocks = [
        {"id": f"sub_{number}", "type": "subdesign", "label": f"Sub {number}",
         "settings": {"path": path, "input": "input", **settings}}
        for number, path in enumerate(paths)
    ]  # fmt: skip
    return {"schema": 1, "name": name, "blocks": blocks}


def call(api: APIClient, path: str, **body: Any) -> Any:
    return api.post(f"/api/deployed{path}", {"number": 4, **body}, format="json")


@pytest.fixture
def api(operator: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(operator)


def test_the_version_at_the_path_is_played_and_frozen(deploy: Deploy, api: APIClient) -> None:
    inner = deploy()
    deploy(playing("/double"), "/outer")

    answer = call(api, "/outer")

    assert answer.status_code == 200, answer.json()
    assert answer.json()["result"] == 8
    execution = Execution.objects.get(pk=answer.json()["log_id"])
    assert execution.nested == {
        "/double": {"version_id": str(inner.version_id), "design_id": str(inner.design_id),
                    "number": 1, "name": "Doubling"}
    }  # fmt: skip
    assert sorted(execution.steps.values_list("key", flat=True)) == [
        "sub_0>double/-/1/transform", "sub_0>pair/-/1/transform",
    ]  # fmt: skip
    assert list(execution.blocks.values_list("block_id", flat=True)) == ["sub_0"]


def test_another_version_at_the_path_is_played_by_the_next_run(
    deploy: Deploy, api: APIClient
) -> None:
    inner = deploy()
    deploy(playing("/double"), "/outer")
    assert call(api, "/outer").json()["result"] == 8
    document = doubling()
    document["blocks"][1]["settings"]["expression"] = "`0`"
    change_draft(design=inner.design, document=document, caller=SYSTEM)
    publish_design(design=inner.design, caller=SYSTEM)
    change_deployment(deployment=inner, version=2, caller=SYSTEM)

    assert call(api, "/outer").json()["result"] == 0


def test_its_limits_and_groups_do_not_apply_but_it_must_be_there_and_active(
    deploy: Deploy, api: APIClient
) -> None:
    inner = deploy(groups=[Group.objects.create(name="others")])
    deploy(playing("/double"), "/outer")
    assert call(api, "/double").status_code == 404
    assert call(api, "/outer").json()["result"] == 8

    change_deployment(deployment=inner, status="inactive", caller=SYSTEM)
    answer = call(api, "/outer")

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/nested-missing"
    assert "what is deployed at /double, which is inactive" in answer.json()["detail"]


def test_designs_that_play_each_other_are_refused_with_the_chain(
    deploy: Deploy, api: APIClient
) -> None:
    first = deploy(name_of(doubling(), "Anna"), "/anna")
    deploy(playing("/anna", name="Berta"), "/berta")
    change_draft(design=first.design, document=playing("/berta", name="Anna"), caller=SYSTEM)
    publish_design(design=first.design, caller=SYSTEM)
    change_deployment(deployment=first, version=2, caller=SYSTEM)

    answer = call(api, "/anna")

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/nesting-too-deep"
    assert answer.json()["detail"] == (
        "Designs play each other in a circle: “Anna” plays “Berta” at /berta, which plays “Anna” "
        "at /anna, which plays “Berta” at /berta again. Let one of them play something else."
    )
    assert not Execution.objects.exists()


def test_eight_deep_run_and_nine_are_refused(deploy: Deploy, api: APIClient) -> None:
    deploy(name_of(doubling(), "D1"), "/d1")
    for depth in range(2, 10):
        deploy(playing(f"/d{depth - 1}", name=f"D{depth}"), f"/d{depth}")

    assert call(api, "/d8").json()["result"] == 8
    answer = call(api, "/d9")

    assert answer.status_code == 422
    assert (
        "9 deep inside one another, and 8 are allowed: “D9” plays “D8”" in answer.json()["detail"]
    )


def test_too_many_blocks_in_all_are_refused(deploy: Deploy, api: APIClient) -> None:
    deploy()
    deploy(playing(*["/double"] * 100, name="Hundred"), "/hundred")
    deploy(playing(*["/hundred"] * 10, name="Thousands"), "/thousands")

    answer = call(api, "/thousands")

    assert answer.status_code == 422
    assert "has 3,010 blocks; 2,000 are allowed" in answer.json()["detail"]


def test_a_version_is_played_by_its_id_and_noted_as_used(deploy: Deploy, api: APIClient) -> None:
    inner = deploy()
    document = playing("/x")
    document["blocks"][0]["settings"] = {
        "design_id": str(inner.design_id), "version": 1, "input": "input",
    }  # fmt: skip
    outer = deploy(document, "/outer")

    assert call(api, "/outer").json()["result"] == 8
    use = NestedUse.objects.get()
    assert (use.version, use.design, use.number) == (outer.version, inner.design, 1)


def test_a_design_without_designs_inside_asks_nothing_more(
    deploy: Deploy, django_assert_num_queries: Any
) -> None:
    graph = compiled_version(deploy().version_id)

    with django_assert_num_queries(0):
        assert resolve(graph, "Doubling") is None


def name_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {**document, "name": name}


def test_who_publishes_or_deploys_must_see_what_is_played(
    deploy: Deploy, designer: User, deployer: User, api_of: Callable[[User], APIClient]
) -> None:
    deploy(groups=[Group.objects.create(name="others")])
    outer = deploy(playing("/double"), "/outer").design
    Design.objects.filter(pk=outer.pk).update(draft=playing("/double"))

    published = api_of(designer).post(f"/api/designs/{outer.pk}/publish", {}, format="json")
    body = {"design_id": str(outer.pk), "endpoint_path": "/again", "version": 1}
    deployed = api_of(deployer).post("/api/deployments", body, format="json")

    for answer in (published, deployed):
        assert answer.status_code == 422, answer.json()
        assert "Nothing is deployed at `/double` that you may see" in str(answer.json())
