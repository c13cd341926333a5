"""Starts what a benchmark runs against: database, Valkey, web servers, a model server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.services import plain_environment, start_postgres, start_redis

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Ground:
    """A scratch installation: its environment, and a key to call it with."""

    folder: Path
    environment: dict[str, str]
    key: str


@contextmanager
def ground(*, postgres: bool = True, **variables: str) -> Iterator[Ground]:
    """Services and first rows; all is gone at the end of this process."""
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as name:
        folder = Path(name)
        ours = {
            "ORCHESTRA_DATA": name,
            "ORCHESTRA_MODEL": "offline:stand-in",
            "ORCHESTRA_LOCAL_MODEL": "0",
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "REDIS_URL": start_redis(folder),
            # All callers of a benchmark have one key; it may have all places.
            "ORCHESTRA_CALLER_SHARE": "1",
            **variables,
        }
        if postgres:
            ours["DATABASE_URL"] = start_postgres(folder)
            _make_database(ours["DATABASE_URL"])
        environment = plain_environment(ours)
        prepared = subprocess.run(
            [sys.executable, "-m", "benchmarks.prepare"],
            env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        yield Ground(folder, environment, prepared.stdout.strip().splitlines()[-1])


@contextmanager
def server(arguments: Sequence[str], ground: Ground, port: int) -> Iterator[None]:
    """A program that listens on the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env={**ground.environment, "ORCHESTRA_PROCESS": "web", "ORCHESTRA_PORT": str(port)},
        cwd=ROOT,
    )
    try:
        _wait(port)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def web_servers(ground: Ground, processes: int = 2) -> Iterator[tuple[int, int]]:
    """Ours (ASGI), and the baseline: DRF with one INSERT under gunicorn's threads. Their ports."""
    ours, baseline = free_port(), free_port()
    common = ["--workers", str(processes), "--no-control-socket", "--log-level", "warning"]
    with ExitStack() as held:
        held.enter_context(
            server(
                ["gunicorn", "-k", "asgi", "benchmarks.asgi:application", *common]
                + ["--bind", f"127.0.0.1:{ours}", "--graceful-timeout", "5"],
                ground,
                ours,
            )
        )
        held.enter_context(
            server(
                ["gunicorn", "-k", "gthread", "--threads", "8", "benchmarks.wsgi:application"]
                + [*common, "--bind", f"127.0.0.1:{baseline}"],
                ground,
                baseline,
            )
        )
        yield ours, baseline


def cpu_seconds() -> float:
    """What all processes that this one started have used so far: servers, database, broker."""
    total = 0.0
    for process in psutil.Process(os.getpid()).children(recursive=True):
        times = process.cpu_times()
        total += times.user + times.system
    return total


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _make_database(url: str) -> None:
    import psycopg

    folder = url.split("@/")[1].rpartition("/")[0]
    with psycopg.connect(host=f"/{folder}", user="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE orchestra")


def _wait(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")
