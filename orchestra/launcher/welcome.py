"""The lines that a start prints when everything answers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from orchestra.env import Environment
from orchestra.launcher import programs


@dataclass(frozen=True)
class FirstStart:
    """What only a first start makes or knows. The password is None when the administrator existed
    before; the sample is None when it was undeployed.
    """

    admin_password: str | None
    sample_path: str | None = None
    sample_key: str | None = None
    sample_input: dict[str, Any] = field(default_factory=dict)


def welcome(environment: Environment, first: FirstStart) -> Iterator[str]:
    """The last line is for scripts."""
    address = programs.address(environment)
    yield ""
    yield f"Orchestra runs at {address}"
    yield from sign_in(environment, first)
    if first.sample_path and first.sample_key:
        yield ""
        yield "Try the sample:"
        url = f"{address}/api/deployed{first.sample_path}"
        yield curl_line(url, first.sample_key, first.sample_input)
    yield ""
    yield f"ready {address}"


def sign_in(environment: Environment, first: FirstStart) -> Iterator[str]:
    """How the administrator that this start made signs in."""
    if first.admin_password and environment.admin_password:
        yield "Sign in as admin with the password of ORCHESTRA_ADMIN_PASSWORD"
    elif first.admin_password:
        yield f"Sign in as admin with the password {first.admin_password} (shown only this once)"


def curl_line(url: str, key: str, body: dict[str, Any]) -> str:
    """A command to paste into a shell."""
    headers = (f"Authorization: Bearer {key}", "Content-Type: application/json")
    options = [word for header in headers for word in ("-H", header)]
    return shlex.join(["curl", "-sS", *options, "-d", orjson.dumps(body).decode(), url])
