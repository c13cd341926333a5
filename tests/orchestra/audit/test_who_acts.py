"""Each entry names who acted, with which key, from where; what the installation does is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from deployments.access.keys import create_key
from deployments.models import ApiKey, Deployment
from designs.access import SYSTEM, caller_of
from designs.acting import act_as, acting, now_acting
from designs.auditing.audit import Action, AuditEntry
from designs.models import Design
from designs.runtime.threads import in_thread
from designs.services import change_draft, create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)

Written = Callable[..., list[AuditEntry]]
Deploy = Callable[..., Deployment]


def key_for(user: User, **fields: Any) -> tuple[ApiKey, dict[str, str]]:
    key, text = create_key(owner=user, **fields)
    return key, {"Authorization": f"Bearer {text}"}


def test_a_person_at_a_page(
    deployer: User, browser_of: Callable[[User], Client], deploy: Deploy, written: Written
) -> None:
    url = f"/deployments/{deploy().pk}/status/"
    browser_of(deployer).post(url, {"status": "inactive"}, REMOTE_ADDR="192.0.2.9")
    [entry] = written(action=Action.UPDATE)
    assert (entry.actor_id, entry.actor_name) == (deployer.pk, "deployer")
    assert (entry.remote_addr, entry.key_id, entry.key_name) == ("192.0.2.9", None, "")


def test_a_persons_session_at_the_api(
    designer: User, api_of: Callable[[User], APIClient], written: Written
) -> None:
    client = api_of(designer)
    answer = client.post(
        "/api/designs", {"document": doubling()}, format="json", REMOTE_ADDR="2001:db8::7"
    )
    assert answer.status_code == 201
    [entry] = written(action=Action.CREATE)
    assert (entry.actor_name, entry.remote_addr) == ("designer", "2001:db8::7")


def test_a_key_acts_for_its_owner_and_is_named(
    deployer: User, deploy: Deploy, written: Written
) -> None:
    row = deploy()
    key, headers = key_for(deployer, name="Nightly")
    url = f"/api/deployments/{row.pk}"
    shown = Client().get(url, headers=headers).json()
    changed = {**shown, "timeout_seconds": 7}
    answer = Client().put(
        url, changed, content_type="application/json", headers=headers, REMOTE_ADDR="192.0.2.8"
    )
    assert answer.status_code == 200, answer.json()
    [entry] = written(action=Action.UPDATE, object_pk=str(row.pk))
    assert entry.changes == {"timeout_seconds": [600, 7]}
    assert (entry.actor_id, entry.actor_name) == (deployer.pk, "deployer")
    assert (entry.key_id, entry.remote_addr) == (key.pk, "192.0.2.8")
    assert entry.key_name == f"Nightly ({key})"


def test_a_key_that_makes_a_key(operator: User, written: Written) -> None:
    key, headers = key_for(operator)
    answer = Client().post(
        "/api/keys", {"scopes": ["read"]}, content_type="application/json", headers=headers
    )
    assert answer.status_code == 201
    [entry] = written(object_pk=answer.json()["id"])
    assert (entry.action, entry.key_id, entry.actor_name) == (Action.CREATE, key.pk, "operator")


async def test_under_the_asynchronous_server(
    designer: User, deployer: User, written: Written
) -> None:
    """Views run in threads there, and many at once: each entry has its own person and address."""
    pairs = [await in_thread(key_for, user) for user in (designer, deployer)]
    deployment_rights = await in_thread(caller_of, deployer)
    assert deployment_rights.may("deployments.add_apikey")

    async def make(number: int) -> tuple[int, str]:
        _, headers = pairs[number % 2]
        client = AsyncClient(REMOTE_ADDR=f"192.0.2.{number}")
        scopes = {"scopes": ["read"], "name": str(number)}
        answer = await client.post(
            "/api/keys", scopes, content_type="application/json", headers=headers
        )
        assert answer.status_code == 201
        return number, answer.json()["id"]

    made = await asyncio.gather(*(make(number) for number in range(1, 9)))
    for number, pk in made:
        found = await in_thread(AuditEntry.objects.filter(object_pk=pk).first)
        assert found is not None
        key, owner = pairs[number % 2][0], (designer, deployer)[number % 2]
        assert (found.key_id, found.actor_name) == (key.pk, owner.username)


def test_what_one_request_does_belongs_together(
    designer: User, browser_of: Callable[[User], Client], written: Written
) -> None:
    api = APIClient()
    api.force_login(designer)
    for _ in range(2):
        api.post("/api/designs/import", [doubling(), doubling()], format="json")
    ids = [entry.cid for entry in written(action=Action.CREATE)]
    assert len(ids) == 4
    assert len(set(ids)) == 2
    assert ids[0] == ids[1]


def test_nothing_is_left_of_a_request(
    deployer: User, browser_of: Callable[[User], Client], deploy: Deploy, written: Written
) -> None:
    url = f"/deployments/{deploy().pk}/status/"
    browser_of(deployer).post(url, {"status": "inactive"})
    create_design(document=doubling(), caller=SYSTEM)
    entry = written(action=Action.CREATE)[-1]
    assert (entry.actor_id, entry.actor_name) == (None, "system")
    assert (entry.remote_addr, entry.cid) == (None, None)


def test_also_after_a_request_that_failed(designer: User, written: Written) -> None:
    client = APIClient(raise_request_exception=False)
    client.force_login(designer)
    assert client.post("/api/designs", {"document": 1}, format="json").status_code == 422
    assert now_acting() is None


async def test_threads_of_a_request_know_what_was_found_out_in_another(designer: User) -> None:
    caller = await in_thread(caller_of, designer)
    with acting(SYSTEM, "192.0.2.1"):
        await in_thread(act_as, caller)
        found = await in_thread(now_acting)
        assert found is not None
        assert (found.caller, found.address) == (caller, "192.0.2.1")
    act_as(caller)
    assert now_acting() is None


def test_an_address_is_an_address_or_nothing(designer: User, written: Written) -> None:
    row = Design.objects.create(name="Any")
    for number, (said, kept) in enumerate(
        [("", None), ("unix:", None), ("10.0.0.1:80", None), ("::ffff:10.0.0.1", "::ffff:a00:1")]
    ):
        with acting(caller_of(designer), said):
            change_draft(design=row, caller=SYSTEM, document=doubling(), name=f"Name {number}")
        assert written(action=Action.UPDATE)[-1].remote_addr in (kept, "::ffff:10.0.0.1"), said
        if kept is None:
            assert written(action=Action.UPDATE)[-1].remote_addr is None
