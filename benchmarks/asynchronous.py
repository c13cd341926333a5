"""An asynchronous run: how long until it is accepted (202), and until an idle worker starts it.

Run: python -m benchmarks.asynchronous  (BENCH_CALLS, BENCH_DATABASE=postgres|sqlite)

One caller, one call at a time, so that nothing waits for anything else. Beside it the baseline: DRF
with one INSERT under gunicorn's threads, called alike. Start is `started_at` minus `created_at` of
the rows, both times of the database.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

from benchmarks.load import BODY
from benchmarks.servers import ROOT, Ground, ground, web_servers

CALLS = int(os.environ.get("BENCH_CALLS", "200"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
# A worker needs so long until it takes messages.
START_SECONDS = 8.0
PAUSE_SECONDS = 0.02


def main() -> None:
    with ExitStack() as held:
        found = held.enter_context(ground(postgres=POSTGRES))
        ours, baseline = held.enter_context(web_servers(found))
        worker = _worker(found)
        held.callback(worker.wait)
        held.callback(worker.terminate)
        time.sleep(START_SECONDS)
        call_times(baseline, "/drf", found.key, calls=20)
        bare = call_times(baseline, "/drf", found.key, calls=CALLS)
        call_times(ours, "/api/deployed/bench", found.key, calls=20)
        accepted = call_times(ours, "/api/deployed/bench", found.key, calls=CALLS)
        time.sleep(2)
        print(f"{'milliseconds':40} {'p50':>6} {'p99':>6}")
        print(f"{'Django + DRF + INSERT':40} {_shares(bare)}")
        print(f"{'accepted (202)':40} {_shares(accepted)}")
        subprocess.run(
            [sys.executable, "-m", "benchmarks.asynchronous", "tell"],
            env=found.environment, cwd=ROOT, check=True,
        )  # fmt: skip
        ratio = statistics.median(accepted) / statistics.median(bare)
        print(f"accepted in {ratio:.2f} x the time of the insert")


def _worker(found: Ground) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "orchestra.celery:app", "worker", "-P", "threads"]
        + ["-c", "8", "-l", "WARNING", "--without-gossip", "--without-mingle"]
        + ["--without-heartbeat"],
        env={**found.environment, "ORCHESTRA_PROCESS": "worker"},
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )


def call_times(
    port: int, path: str, key: str, *, calls: int, pause_seconds: float = PAUSE_SECONDS
) -> list[float]:
    """Milliseconds of each call."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Prefer": "respond-async",
    }
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        connection.request("POST", path, BODY, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201, 202):
            raise SystemExit(f"{answer.status} {body.decode()}")
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(pause_seconds)
    return times


def _tell() -> None:
    from executor.models import Execution

    rows = Execution.objects.order_by("-id")[:CALLS].values_list(
        "created_at", "started_at", "completed_at", "status"
    )
    assert {row[3] for row in rows} == {"completed"}, json.dumps([row[3] for row in rows])
    starts = [(row[1] - row[0]).total_seconds() * 1000 for row in rows]
    ends = [(row[2] - row[0]).total_seconds() * 1000 for row in rows]
    print(f"{'started by an idle worker':40} {_shares(starts)}")
    print(f"{'ended':40} {_shares(ends)}")


def _shares(times: list[float]) -> str:
    times = sorted(times)
    return f"{statistics.median(times):6.1f} {times[int(len(times) * 0.99)]:6.1f}"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        import django

        django.setup()
        _tell()
