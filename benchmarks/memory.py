"""Memory of an idle installation: web, worker and scheduler together, after their first runs.

Run: python -m benchmarks.memory  (BENCH_SECONDS, BENCH_LOAD_SECONDS,
BENCH_DATABASE=postgres|sqlite)

Proportional set size (what several processes share is divided among them), one process of each,
and that with the helpers they start. Beside it database and broker, which are not counted.

Then what a web process keeps of a full load (64 callers, BENCH_LOAD_SECONDS; ten minutes: 600) and
of a hundred lists of runs with large inputs, with their inputs and outputs.
"""

from __future__ import annotations

import http.client
import json
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
LOAD_SECONDS = float(os.environ.get("BENCH_LOAD_SECONDS", "15"))  # noqa: TID251
WANTED_MIB = 330
WANTED_KEPT_MIB = 150
LARGE_RUNS, LARGE_CHARACTERS, LISTS = 40, 400_000, 100
IDLE_SECONDS = 5.0


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
        _tell_kept(port, found.key)


def _tell_kept(port: int, key: str) -> None:
    before = _web_mib()
    measure(port, "/api/deployed/bench", key, callers=64, seconds=LOAD_SECONDS)
    loaded = _web_mib()
    body = json.dumps({"rows": [{"name": "x" * LARGE_CHARACTERS, "amount": 1}]}).encode()
    for _ in range(LARGE_RUNS):
        _ask(port, key, "/api/deployed/bench", body)
    path = f"/api/executions?limit={LARGE_RUNS}"
    size = max(len(_ask(port, key, path)) for _ in range(LISTS))
    listed = _web_mib()
    time.sleep(IDLE_SECONDS)
    kept = _web_mib() - before
    print(
        f"web process: {before:.0f} MiB at first, {loaded:.0f} after {LOAD_SECONDS:.0f} s of load,"
    )
    print(f"{listed:.0f} after {LISTS} lists of {size / 2**20:.1f} MiB; kept {kept:.0f} MiB")
    print(f"(wanted: under {WANTED_KEPT_MIB})")


def _web_mib() -> float:
    """What the process that answers holds; its master does not grow."""
    children = psutil.Process().children(recursive=True)
    sizes = [p.memory_full_info().uss for p in children if "gunicorn" in p.cmdline()]
    return max(sizes) / 2**20


def _ask(port: int, key: str, path: str, body: bytes | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(text[:500].decode())
    return text


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
