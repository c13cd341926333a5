"""What a start prints when everything answers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from orchestra.env import Environment
from orchestra.launcher import programs

if TYPE_CHECKING:
    from orchestra.first_start import FirstStart


def welcome(environment: Environment, first: FirstStart) -> Iterator[str]:
    """What a person needs now; the last line says, for scripts, that everything answers."""
    address = programs.address(environment)
    yield ""
    yield f"Orchestra runs at {address}"
    if first.admin_password and environment.admin_password:
        yield "Sign in as admin with the password of ORCHESTRA_ADMIN_PASSWORD"
    elif first.admin_password:
        yield f"Sign in as admin with the password {first.admin_password} (shown only this once)"
    if first.sample_path and first.sample_key:
        yield ""
        yield "Try the sample:"
        url = f"{address}/api/deployed{first.sample_path}"
        yield curl_line(url, first.sample_key, first.sample_input)
    yield ""
    yield f"ready {address}"


def curl_line(url: str, key: str, body: dict[str, Any]) -> str:
    """One command for a shell, quoted so that it can be pasted as it is."""
    words = [
        "curl",
        "-sS",
        "-H",
        f"Authorization: Bearer {key}",
        "-H",
        "Content-Type: application/json",
    ]
    return shlex.join([*words, "-d", orjson.dumps(body).decode(), url])
