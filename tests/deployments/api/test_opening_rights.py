"""Who may open a stream past the middlewares: whoever sees the run, as by the ordinary way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session

from deployments.access.keys import create_key
from deployments.models import Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor.models import Execution, Trigger
from tests.documents import greeting
from tests.opening import Asked, addresses, opened, session_of
from tests.orchestra.test_headers import judge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def executions(deploy: Callable[..., Deployment]) -> list[Execution]:
    """Some that wait for a worker, for ever."""
    deployment = deploy(greeting(), "/greet")
    return [
        invoke_deployment(deployment=deployment, input_data={}, trigger=Trigger.API, caller=SYSTEM)
        for _ in range(4)
    ]


@pytest.fixture
async def key(operator: User, key_of: Callable[..., str]) -> str:
    return await sync_to_async(key_of)(operator)


async def test_who_may_not(
    executions: list[Execution], viewer: User, make_user: Callable[..., User]
) -> None:
    path = addresses(executions, "api", 1)[0]
    assert (await Asked(path).until_heard()).status == 401
    assert (await Asked(path, cookie="sessionid=nobodys").until_heard()).status == 401
    nobody = await sync_to_async(make_user)("nobody")
    assert (await Asked(path, cookie=await session_of(nobody)).until_heard()).status == 403
    cookie = await session_of(viewer)
    gone = path.replace(str(executions[0].pk), "00000000-0000-7000-8000-000000000000")
    assert (await Asked(gone, cookie=cookie).until_heard()).status == 404
    limited = await sync_to_async(lambda: executions[0].deployment)()
    await sync_to_async(limited.groups.set)([await Group.objects.aget(name="Designer")])
    assert (await Asked(path, cookie=cookie).until_heard()).status == 404
    await sync_to_async(limited.groups.clear)()
    async with opened([path], cookie=cookie) as (stream,):
        assert stream.status == 200
        judge(stream.headers, path)
        assert stream.headers["Content-Type"] == "text/event-stream"


ENDS: dict[str, Callable[[], Any]] = {
    "ended": lambda: Session.objects.all().delete(),
    "idle": lambda: dataclasses.replace(settings.ENVIRONMENT, session_idle_seconds=0),
}


@pytest.mark.parametrize("kind", ["api", "page"])
@pytest.mark.parametrize("how", ENDS)
async def test_a_session_that_is_over_opens_nothing(
    executions: list[Execution], viewer: User, monkeypatch: pytest.MonkeyPatch, kind: str, how: str
) -> None:
    path, cookie = addresses(executions, kind, 1)[0], await session_of(viewer)
    async with opened([path], cookie=cookie) as (stream,):
        assert stream.status == 200
    found = await sync_to_async(ENDS[how])()
    if how == "idle":
        monkeypatch.setattr(settings, "ENVIRONMENT", found)
    refused = await Asked(path, cookie=cookie).until_heard()
    assert refused.status == (302 if kind == "page" else 401)


async def test_a_key_that_is_not_good_opens_nothing(executions: list[Execution], key: str) -> None:
    path = addresses(executions, "api", 1)[0]
    wrong = (("orc_00000000_x", 401), ("nonsense", 401), (f"{key}x", 401), (key, 200))
    asked = [(Asked(path, authorization=f"Bearer {text}"), status) for text, status in wrong]
    # Looked up together, and each judged by itself.
    for one, status in asked:
        assert (await one.until_heard()).status == status
        judge(one.headers, path)
        await one.leave()


async def test_who_opens_together_is_judged_each_by_their_own_rights(
    executions: list[Execution],
    make_user: Callable[..., User],
    key_of: Callable[..., str],
    deploy: Callable[..., Deployment],
) -> None:
    def prepare() -> dict[str, str]:
        limited = executions[0].deployment
        assert limited is not None
        limited.groups.set([Group.objects.get(name="Designer")])
        other = deploy(greeting(), "/other")
        keys = {
            f"{group} {number}": key_of(make_user(f"{group}{number}", group))
            for group in ("Viewer", "Designer", "Administrator")
            for number in range(2)
        }
        owner = make_user("owner", "Designer")
        keys["Designer, bound to it"] = create_key(owner=owner, deployments=[limited])[1]
        keys["bound elsewhere"] = create_key(owner=owner, deployments=[other])[1]
        return keys

    keys = await sync_to_async(prepare)()
    path = addresses(executions, "api")[0]
    asked = {name: Asked(path, authorization=f"Bearer {key}") for name, key in keys.items()}
    found = {name: (await one.until_heard()).status for name, one in asked.items()}
    for one in asked.values():
        await one.leave()
    seeing = {name for name in keys if name.startswith("Designer")}
    assert found == {name: 200 if name in seeing else 404 for name in keys}
