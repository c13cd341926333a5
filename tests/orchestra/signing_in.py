"""Sign-ins as a browser sends them, from an address of one's choice."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.conftest import PASSWORD

HERE, THERE = "203.0.113.5", "203.0.113.77"
WRONG = "not the password"


def attempt(name: str, password: str = WRONG, address: str = HERE, **more: Any) -> Any:
    """One attempt in a browser of its own; `browser=` uses an open one."""
    browser = more.pop("browser", None) or Client()
    data = {"username": name, "password": password, **more.pop("data", {})}
    return browser.post("/sign-in/", data, REMOTE_ADDR=address, **more)


def fail(name: str, times: int, address: str = HERE, **more: Any) -> list[int]:
    """So many wrong passwords, and the statuses of the answers."""
    return [attempt(name, address=address, **more).status_code for _ in range(times)]


def is_let_in(name: str, address: str = HERE, **more: Any) -> bool:
    return attempt(name, PASSWORD, address, **more).status_code == 302
