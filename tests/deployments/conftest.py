"""Deployments for tests of how they are managed and called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from deployments.keys import create_key, forget_keys
from deployments.lookup import forget_deployments
from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
from tests.documents import doubling


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What the process remembers belongs to the last test's database."""
    forget_keys()
    forget_deployments()
    yield
    forget_keys()
    forget_deployments()


@pytest.fixture
def deploy() -> Callable[..., Deployment]:
    """Deploys a document: `deploy(greeting(), "/greet", schedule={...})`."""

    def make(
        document: dict[str, Any] | None = None, path: str = "/double", **fields: Any
    ) -> Deployment:
        design = create_design(document=document or doubling(), caller=SYSTEM)
        return deploy_design(design=design, endpoint_path=path, caller=SYSTEM, **fields)

    return make


@pytest.fixture
def key_of() -> Callable[..., str]:
    """A key for a person: `key_of(user, scopes=("read",))`."""

    def make(owner: User, **fields: Any) -> str:
        return create_key(owner=owner, **fields)[1]

    return make
