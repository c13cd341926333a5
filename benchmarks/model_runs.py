"""Runs a second when each waits half a second for a model.

Run: python -m benchmarks.model_runs  (BENCH_SECONDS, BENCH_DATABASE=postgres|sqlite)

The model server is a process of its own. 64 and 256 callers on two web processes, then 1 000 on
one: so many runs are in flight in one process at once. Every answer is checked.
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from benchmarks.load import measure
from benchmarks.servers import free_port, ground, server, web_servers

SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
MODEL_SECONDS = 0.5
# The first calls of a process load the model's client, and all callers begin at the same moment.
WARM_SECONDS = 6.0


def main() -> None:
    model = free_port()
    variables = {
        "ORCHESTRA_LLM_URL": f"http://127.0.0.1:{model}/v1",
        "ORCHESTRA_LLM_MODEL": "bench",
        "ORCHESTRA_MODEL": "openai_compatible:bench",
        "ORCHESTRA_INLINE_LIMIT": "1024",
    }
    print(
        f"{'callers':>7} {'processes':>9} {'runs/s':>7} {'possible':>8} {'CPU ms':>7} {'p99 ms':>7}"
    )
    with ExitStack() as held:
        found = held.enter_context(ground(postgres=POSTGRES, **variables))
        arguments = ["benchmarks.model_server", str(model), str(MODEL_SECONDS)]
        held.enter_context(server(arguments, found, model))
        for processes, all_callers in ((2, (64, 256)), (1, (1000,))):
            with web_servers(found, processes) as (port, _):
                for callers in all_callers:
                    measure(
                        port,
                        "/api/deployed/model",
                        found.key,
                        callers=callers,
                        seconds=WARM_SECONDS,
                    )
                    got = measure(
                        port, "/api/deployed/model", found.key, callers=callers, seconds=SECONDS
                    )
                    print(
                        f"{callers:7} {processes:9} {got.rate:7.0f} {callers / MODEL_SECONDS:8.0f}"
                        f" {got.cpu_ms:7.2f} {got.p99_ms:7.0f}"
                    )


if __name__ == "__main__":
    main()
