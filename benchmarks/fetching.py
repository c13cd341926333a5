"""What it is worth that a worker fetches its next message as soon as a thread is free.

Run: python -m benchmarks.fetching  (BENCH_CALLS, BENCH_MESSAGES, BENCH_ROUNDS, BENCH_DATABASE)

A worker with the step `FetchAtOnce` and one without, in turn: how long one asynchronous run at a
time waits for its start, how many a second are carried when many callers queue them, and how many
messages a second are settled (the work after a run's end, one message each).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from benchmarks.asynchronous import START_SECONDS, call_times
from benchmarks.servers import ROOT, Ground, ground, web_servers

CALLS = int(os.environ.get("BENCH_CALLS", "100"))  # noqa: TID251
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1000"))  # noqa: TID251
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
CALLERS = 8
APPLICATIONS = {"with": "orchestra.celery:app", "without": "benchmarks.bare_worker:app"}
HEAD = ("start p50 ms", "start p99 ms", "runs/s", "settled/s")


def main() -> None:
    print(f"{'FetchAtOnce':12}" + "".join(f"{word:>14}" for word in HEAD), flush=True)
    with ExitStack() as held:
        scratch = held.enter_context(ground(postgres=POSTGRES))
        ours, _ = held.enter_context(web_servers(scratch))
        for number in range(ROUNDS):
            # Each is first in every second round: the tables grow.
            for name, application in sorted(APPLICATIONS.items(), reverse=bool(number % 2)):
                with _worker(scratch, application):
                    values = _measure(scratch, ours)
                print(f"{name:12}" + "".join(f"{value:14.1f}" for value in values), flush=True)


@contextmanager
def _worker(scratch: Ground, application: str) -> Iterator[None]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", application, "worker", "-P", "threads", "-c", "8"]
        + ["-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        env={**scratch.environment, "ORCHESTRA_PROCESS": "worker"},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(START_SECONDS)
        yield
    finally:
        worker.terminate()
        worker.wait()


def _measure(scratch: Ground, port: int) -> list[float]:
    def call(calls: int, pause: float) -> None:
        path = "/api/deployed/bench"
        call_times(port, path, scratch.key, calls=calls, pause_seconds=pause)

    call(20, 0.02)
    call(CALLS, 0.05)
    time.sleep(1)
    starts = _told(scratch, "starts", CALLS)
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(lambda _: call(MESSAGES // CALLERS, 0.0), range(CALLERS)))
    carried = _told(scratch, "carried", MESSAGES // CALLERS * CALLERS)
    return [*starts, *carried, *_told(scratch, "settled", MESSAGES)]


def _told(scratch: Ground, what: str, count: int) -> list[float]:
    """What this program says in a process of the installation."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.fetching", what, str(count)],
        env=scratch.environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return [float(word) for word in told.stdout.split()]


def _starts(count: int) -> list[float]:
    """Milliseconds until the last runs were started."""
    from executor.models import Execution

    rows = Execution.objects.order_by("-id")[:count].values_list("created_at", "started_at")
    times = sorted((started - created).total_seconds() * 1000 for created, started in rows)
    return [statistics.median(times), times[int(len(times) * 0.99)]]


def _carried(count: int) -> list[float]:
    """Runs a second from the first acceptance to the last end."""
    from executor.models import Execution

    while Execution.objects.exclude(status="completed").exists():
        time.sleep(0.1)
    rows = Execution.objects.order_by("-id")[:count].values_list("created_at", "completed_at")
    seconds = (max(row[1] for row in rows) - min(row[0] for row in rows)).total_seconds()
    return [count / seconds]


def _settled(count: int) -> list[float]:
    """Messages a second until the queue is empty."""
    import redis
    from django.conf import settings

    from executor.following.sending import SETTLE
    from orchestra.celery import app

    client = redis.Redis.from_url(settings.REDIS_URL)
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        began = time.perf_counter()
        for _ in range(count):
            app.send_task(SETTLE, kwargs={"e": uuid.uuid4().hex}, producer=producer)
        while client.llen("settling"):
            time.sleep(0.01)
    return [count / (time.perf_counter() - began)]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        import django

        django.setup()
        tell = {"starts": _starts, "carried": _carried, "settled": _settled}[sys.argv[1]]
        print(*tell(int(sys.argv[2])))
