"""Memory of an idle installation: web, worker and scheduler together, after their first runs.

Run: python -m benchmarks.memory  (BENCH_SECONDS, BENCH_DATABASE=postgres|sqlite)

Proportional set size (what several processes share is divided among them), one process of each,
and that with the helpers they start. Beside it database and broker, which are not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack

import psutil

from benchmarks.load import measure
from benchmarks.servers import ROOT, Ground, free_port, ground, server

SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
WANTED_MIB = 330


def main() -> None:
    with ExitStack() as held:
        found = held.enter_context(ground(postgres=POSTGRES))
        port = free_port()
        arguments = ["gunicorn", "-k", "asgi", "orchestra.asgi:application", "--workers", "1"]
        arguments += ["--no-control-socket", "--log-level", "warning"]
        arguments += ["--bind", f"127.0.0.1:{port}"]
        held.enter_context(server(arguments, found, port))
        for words in (("worker", "-P", "threads", "-c", "8"), ("beat", "--pidfile=")):
            process = _celery(found, *words)
            held.callback(process.wait)
            held.callback(process.terminate)
        measure(port, "/api/deployed/bench", found.key, callers=4, seconds=2)
        time.sleep(SECONDS)
        _tell()


def _celery(found: Ground, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "orchestra.celery:app", *words, "-l", "WARNING"],
        env={**found.environment, "ORCHESTRA_PROCESS": words[0]},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _tell() -> None:
    ours: dict[str, float] = {}
    others = 0.0
    for process in psutil.Process().children(recursive=True):
        words = process.cmdline()
        size = process.memory_full_info().pss / 2**20
        kind = next((k for k in ("gunicorn", "worker", "beat") if k in words), None)
        if kind is None and "postgres" not in words[0] and "valkey" not in words[0]:
            kind = "helpers"
        if kind is None:
            others += size
        else:
            ours[kind] = ours.get(kind, 0.0) + size
    for kind, size in ours.items():
        print(f"{kind:10} {size:6.0f} MiB")
    print(f"together   {sum(ours.values()):6.0f} MiB (wanted: under {WANTED_MIB})")
    print(f"(database and broker: {others:.0f} MiB)")


if __name__ == "__main__":
    main()
