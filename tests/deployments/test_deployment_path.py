"""A path is judged while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/free/one", "/free/one is free."),
        ("/double", "Another deployment answers"),
        ("", "An endpoint path starts with /"),
        ("<script>", "An endpoint path starts with /"),
        ("/a\0b", "An endpoint path starts with /"),
        ("/" + "a" * 5_000, "An endpoint path starts with /"),
    ],
)
def test_a_path_is_judged_while_it_is_typed(
    deployer: User, browser_of: Browser, deploy: Deploy, path: str, said: str
) -> None:
    deploy()
    answer: Any = browser_of(deployer).get("/deployments/path/", {"endpoint_path": path})
    assert answer.status_code == 200
    assert said in answer.content.decode()


def test_only_who_deploys_asks(viewer: User, browser_of: Browser) -> None:
    assert browser_of(viewer).get("/deployments/path/").status_code == 403
