"""Headers of every answer: pages, errors, files, API, and calls that pass by the middlewares."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.access.keys import create_key
from orchestra.asgi import application
from tests.access_routes import make_world
from tests.services import plain_environment

# Answered alike whatever database keeps the rows.
pytestmark = pytest.mark.any_database

ROOT = Path(__file__).resolve().parents[2]
SAME = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "Orchestra",
}
# Method, address, status: of a signed-in administrator; `{…}` are rows.
ANSWERS = (
    ("GET", "/", 200),
    ("GET", "/deployments/", 200),
    ("GET", "/deployments/{deployment}/", 200),
    ("GET", "/executions/{execution}/", 200),
    ("GET", "/executions/{execution}/result/", 200),
    ("GET", "/keys/", 200),
    ("POST", "/keys/new/", 422),
    ("GET", "/account/", 200),
    ("GET", "/account/password/", 200),
    ("GET", "/sign-in/", 302),
    ("POST", "/sign-out/", 302),
    ("GET", "/nowhere/", 404),
    ("POST", "/schedules/", 405),
    ("GET", "/deployments", 301),
    ("GET", "/admin/", 200),
    ("GET", "/admin/auth/user/", 200),
    ("GET", "/admin/nowhere/", 404),
    ("GET", "/static/css/tokens.css", 200),
    ("GET", "/static/fonts/inter-latin.woff2", 200),
    ("GET", "/static/nothing.css", 404),
    ("GET", "/api/docs", 200),
    ("GET", "/api/deployments", 200),
    ("GET", "/api/keys", 200),
    ("POST", "/api/keys", 422),
    ("GET", "/api/nothing", 404),
    ("GET", "/api/deployed{path}", 422),
    ("GET", "/api/health/live", 200),
)


def judge(headers: Any, url: str) -> None:
    for name, value in SAME.items():
        assert headers.get(name) == value, (name, headers.get(name))
    assert "camera=()" in headers["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    unsafe = {word for word in policy.replace(";", " ").split() if "unsafe" in word}
    assert unsafe == ({"'unsafe-inline'", "'unsafe-eval'"} if url.startswith("/admin/") else set())
    kept = headers.get("Cache-Control", "")
    assert ("no-store" in kept) != url.startswith(("/static/css/", "/static/fonts/")), kept


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "url", "status"), ANSWERS)
def test_a_signed_in_persons_answers(
    administrator: User,
    browser_of: Callable[[User], Client],
    method: str,
    url: str,
    status: int,
) -> None:
    world = make_world(administrator)
    url = url.format(
        deployment=world.deployment.pk,
        execution=world.execution.pk,
        path=world.deployment.endpoint_path,
    )
    answer = browser_of(administrator).generic(method, url, content_type="application/json")
    answer.close()
    assert answer.status_code == status
    judge(answer.headers, url)


@pytest.mark.django_db
def test_answers_of_errors(client: Client, viewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    judge(client.get("/", headers={"host": "evil.example"}).headers, "/")
    judge(Client(enforce_csrf_checks=True).post("/sign-in/").headers, "/sign-in/")
    for _ in range(5):
        answer = client.post("/sign-in/", {"username": "viewer", "password": "x"})
    assert answer.status_code == 429
    judge(answer.headers, "/sign-in/")
    monkeypatch.setattr("orchestra.views.board", fault)
    browser = Client(raise_request_exception=False)
    browser.force_login(viewer)
    answer = browser.get("/")
    assert answer.status_code == 500
    judge(answer.headers, "/")


async def ask(method: str, path: str, *, query: bytes = b"", **headers: str) -> tuple[int, Any]:
    """Through what the web server runs, past Django's middlewares if that is the way."""
    sent: list[dict[str, Any]] = []
    named = {"host": "localhost", "content-type": "application/json", **headers}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "scheme": "http",
        "raw_path": path.encode(), "query_string": query, "root_path": "",
        "client": ("203.0.113.5", 1), "server": ("localhost", 80),
        "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in named.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    names = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], names


@pytest.mark.django_db(transaction=True)
async def test_answers_that_no_middleware_sees(administrator: User) -> None:
    from asgiref.sync import sync_to_async

    world = await sync_to_async(make_world)(administrator)
    _, key = await sync_to_async(create_key)(owner=administrator)
    path = f"/api/deployed{world.deployment.endpoint_path}"
    for given, status in ((key, 422), ("orc_no_key", 401)):
        found, headers = await ask("GET", path, authorization=f"Bearer {given}")
        assert found == status
        judge(headers, path)
    found, headers = await ask("GET", "/", query=b"\xff\xfe")
    assert found == 400
    judge(headers, "/")


PROGRAM = """
import django, json
django.setup()
from django.conf import settings
from django.test import Client
from orchestra.server import headers
answers = [Client().get("/api/health/live", secure=True), Client().get("/api/deployments")]
print(json.dumps({
    "answers": [[answer.status_code, dict(answer.headers)] for answer in answers],
    "outside": headers.outside_middleware(),
    "cookies": [getattr(settings, f"{name}_COOKIE_{what}") for name in ("SESSION", "CSRF")
                for what in ("SECURE", "HTTPONLY", "SAMESITE")],
}))
"""


def test_in_production_nothing_goes_over_plain_http() -> None:
    variables = {
        "ORCHESTRA_PRODUCTION": "1", "ORCHESTRA_ALLOWED_HOSTS": "testserver",
        "ORCHESTRA_PUBLIC_URL": "https://testserver", "DATABASE_URL": "sqlite:////nowhere.sqlite3",
        "REDIS_URL": "redis://localhost/0", "SECRET_KEY": "k" * 50,
        "ORCHESTRA_ENCRYPTION_KEYS": "k" * 50, "DJANGO_SETTINGS_MODULE": "orchestra.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True,
        env=plain_environment(variables),
    )  # fmt: skip
    found = json.loads(done.stdout)
    (status, secure), (plain_status, plain) = found["answers"]
    assert status == 200
    year = "max-age=31536000; includeSubDomains; preload"
    assert secure["Strict-Transport-Security"] == year
    assert found["outside"]["Strict-Transport-Security"] == year
    judge(secure, "/api/health/live")
    assert (plain_status, plain["Location"]) == (301, "https://testserver/api/deployments")
    judge(plain, "/api/deployments")
    assert found["cookies"] == [True, True, "Lax"] * 2


def test_fonts_are_sent_as_fonts(client: Client) -> None:
    for name in ("inter", "mono"):
        answer = client.get(f"/static/fonts/{name}-latin.woff2")
        assert answer["Content-Type"] == "font/woff2"
        assert "max-age" in answer["Cache-Control"]
        assert len(b"".join(answer.streaming_content)) > 10_000
