"""Lists are searched with whatever a browser sends."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.mark.parametrize("page", ["/designs/", "/deployments/"])
@pytest.mark.parametrize("text", ["%00", "a%00b", "%ed%a0%80", "%25_", "9" * 3_000])
def test_a_search_is_never_a_fault(db: None, admin_user: User, page: str, text: str) -> None:
    client = Client()
    client.force_login(admin_user)
    assert client.get(f"{page}?text={text}").status_code == 200
