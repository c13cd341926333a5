"""The deployed endpoint beside Django and DRF with one INSERT: requests a second, CPU a request.

Run: python -m benchmarks.endpoint  (BENCH_ROUNDS, BENCH_SECONDS, BENCH_DATABASE=postgres|sqlite)

Work: three transform blocks, 200-byte body, API key, input schema, history written. Two web
processes each, rounds interleaved, medians. CPU is that of servers, database and broker together.
"""

from __future__ import annotations

import os
import statistics

from benchmarks.load import Round, measure
from benchmarks.servers import ground, web_servers

SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))  # noqa: TID251
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
CALLERS = (16, 64)
HEAD = f"{'target':34} {'callers':>7} {'req/s':>7} {'CPU ms':>7} {'p50 ms':>7} {'p99 ms':>7}"


def main() -> None:
    figures: dict[tuple[str, int], list[Round]] = {}
    with ground(postgres=POSTGRES) as found, web_servers(found) as (ours, baseline):
        targets = {
            "Django + DRF + INSERT, gthread": (baseline, "/drf"),
            "bare Django view, ASGI": (ours, "/bare"),
            "deployed endpoint": (ours, "/api/deployed/bench"),
        }
        for _ in range(ROUNDS):
            for callers in CALLERS:
                for name, (port, path) in targets.items():
                    found_round = measure(port, path, found.key, callers=callers, seconds=SECONDS)
                    figures.setdefault((name, callers), []).append(found_round)
    _print(figures)


def _print(figures: dict[tuple[str, int], list[Round]]) -> None:
    print(HEAD)
    medians = {key: _median(rounds) for key, rounds in figures.items()}
    for (name, callers), found in medians.items():
        print(
            f"{name:34} {callers:7} {found.rate:7.0f} {found.cpu_ms:7.2f}"
            f" {found.p50_ms:7.1f} {found.p99_ms:7.1f}"
        )
    for callers in CALLERS:
        ours = medians["deployed endpoint", callers]
        base = medians["Django + DRF + INSERT, gthread", callers]
        print(f"{callers} callers: {ours.rate / base.rate:.2f} x the baseline's requests a second")


def _median(rounds: list[Round]) -> Round:
    columns = zip(*((r.rate, r.cpu_ms, r.p50_ms, r.p99_ms) for r in rounds), strict=True)
    return Round(*(statistics.median(column) for column in columns))


if __name__ == "__main__":
    main()
