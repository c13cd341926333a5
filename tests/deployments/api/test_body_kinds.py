"""A body that is no plain JSON is refused in words that say what to send, at every door."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.models import Deployment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

DOORS = ("/api/deployed/double", "/api/keys", "/api/designs/import")
WANTED = "Send JSON with the header Content-Type: application/json."


@pytest.fixture
def client(
    make_user: Callable[..., User],
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    deploy: Callable[..., Deployment],
) -> APIClient:
    deploy()
    return api_with(key_of(make_user("both", "Operator", "Designer", "Deployer", "Administrator")))


@pytest.mark.parametrize("url", DOORS)
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "application/yaml", "none/such"]
)
def test_another_kind_of_body(client: APIClient, url: str, kind: str) -> None:
    answer = client.generic("POST", url, '{"number": 1}', content_type=kind)
    assert answer.status_code == 415
    assert answer.json()["detail"] == WANTED


@pytest.mark.parametrize("url", DOORS)
@pytest.mark.parametrize(
    ("coding", "body"), [("gzip", gzip.compress(b"{}", mtime=0)), ("deflate", b"{}"), ("br", b"{}")]
)
def test_a_coding_is_named(client: APIClient, url: str, coding: str, body: bytes) -> None:
    answer = client.generic(
        "POST", url, body, content_type="application/json", headers={"Content-Encoding": coding}
    )
    assert answer.status_code == 415
    assert f"encoded with {coding}" in answer.json()["detail"]
    assert answer.json()["type"] == "/problems/coding-unsupported"


@pytest.mark.parametrize("url", DOORS)
@pytest.mark.parametrize("number", ["18446744073709551617", "-9223372036854775809", "1" + "0" * 40])
def test_a_number_beyond_64_bits_is_refused_not_rounded(
    client: APIClient, url: str, number: str
) -> None:
    answer = client.generic("POST", url, f'{{"wei": {number}}}', content_type="application/json")
    assert answer.status_code == 400
    assert "This whole number is too large. Write it as text." in answer.json()["detail"]
