"""What it is worth that the web processes share new connections evenly.

Run: python -m benchmarks.sharing  (BENCH_ROUNDS, BENCH_SECONDS, BENCH_DATABASE=postgres|sqlite)

The deployed endpoint as in `benchmarks.endpoint`, on two web processes, with our way to accept
connections and with asyncio's, rounds interleaved. 16 callers connect at the same moment and keep
their connections. CPU of the busier process: a half is an even share of both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

from benchmarks.load import measure
from benchmarks.servers import Ground, free_port, ground, server

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))  # noqa: TID251
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
CALLERS = 16
CONFIGURATIONS = {"shared evenly": "gunicorn.conf.py", "as asyncio does": "benchmarks/unshared.py"}


def main() -> None:
    figures: dict[str, list[list[float]]] = {name: [] for name in CONFIGURATIONS}
    with ExitStack() as held:
        scratch = held.enter_context(ground(postgres=POSTGRES))
        ports = {
            name: held.enter_context(_web_server(scratch, path))
            for name, path in CONFIGURATIONS.items()
        }
        for number in range(ROUNDS + 1):
            for name, port in ports.items():
                values = _round(port, scratch.key)
                # The first warms up.
                if number:
                    figures[name].append(values)
    print(f"{'connections':18}{'req/s':>22}{'p50 ms':>22}{'p99 ms':>22}{'busier process':>22}")
    for name, rounds in figures.items():
        print(
            f"{name:18}" + "".join(f"{_spread(column):>22}" for column in zip(*rounds, strict=True))
        )


@contextmanager
def _web_server(scratch: Ground, configuration: str) -> Iterator[int]:
    port = free_port()
    arguments = ["gunicorn", "-k", "asgi", "benchmarks.asgi:application", "--workers", "2"]
    arguments += ["--no-control-socket", "--log-level", "warning", "--graceful-timeout", "5"]
    arguments += ["--config", configuration, "--bind", f"127.0.0.1:{port}"]
    with server(arguments, scratch, port):
        yield port


def _round(port: int, key: str) -> list[float]:
    before = _cpu_of_web_processes(port)
    made = measure(port, "/api/deployed/bench", key, callers=CALLERS, seconds=SECONDS)
    after = _cpu_of_web_processes(port)
    used = [after[pid] - before[pid] for pid in after]
    return [made.rate, made.p50_ms, made.p99_ms, max(used) / sum(used)]


def _cpu_of_web_processes(port: int) -> dict[int, float]:
    used = {}
    for master in psutil.Process(os.getpid()).children():
        if f"127.0.0.1:{port}" in master.cmdline():
            for process in master.children():
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
    return used


def _spread(values: tuple[float, ...]) -> str:
    """Median, least and most."""
    middle, digits = (
        statistics.median(values),
        2 if max(values) < 2 else 0 if max(values) > 99 else 1,
    )
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


if __name__ == "__main__":
    main()
