"""Callers of the designs' API, and designs for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.access.keys import create_key, forget_keys
from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from tests.documents import doubling


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Keys that the process remembers belong to the last test's database."""
    forget_keys()
    yield
    forget_keys()


@pytest.fixture
def client(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    """A designer's."""
    return api_of(designer)


@pytest.fixture
def make_design(db: None) -> Callable[..., Design]:
    """Makes a design: `make_design(cyclic(), name="Circle")`."""

    def make(document: dict[str, Any] | None = None, **fields: Any) -> Design:
        return create_design(document=document or doubling(), caller=SYSTEM, **fields)

    return make


@pytest.fixture
def key_of() -> Callable[..., str]:
    """A key for a person: `key_of(user, scopes=("read",))`."""

    def make(owner: User, **fields: Any) -> str:
        return create_key(owner=owner, **fields)[1]

    return make
