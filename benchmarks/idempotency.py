"""Racing pairs with one idempotency key each: how many runs they start, and what it costs.

Run: python -m benchmarks.idempotency  (BENCH_PAIRS, BENCH_DATABASE=postgres|sqlite)

Both calls of a pair are sent at the same moment to two web processes, 50 pairs at a time. Every
pair must start one run and no more; the count is the database's.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import time
from collections import Counter

from benchmarks.servers import ground, web_servers

PAIRS = int(os.environ.get("BENCH_PAIRS", "1000"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
AT_ONCE = 50
BODY = json.dumps({"rows": [{"name": "a", "amount": 1}]}).encode()


def main() -> None:
    with ground(postgres=POSTGRES) as found, web_servers(found) as (port, _):
        before = _started(port, found.key)
        began = time.perf_counter()
        answers = asyncio.run(_race(port, found.key))
        took = time.perf_counter() - began
        started = _started(port, found.key) - before
    statuses = Counter(status for status, _, _ in answers)
    agree = sum(one[1] == other[1] for one, other in zip(answers[::2], answers[1::2], strict=True))
    replayed = sum(replayed for _, _, replayed in answers)
    print(f"{PAIRS} pairs in {took:.1f} s ({2 * PAIRS / took:.0f} calls a second)")
    print(f"statuses {dict(statuses)}, runs started {started}")
    print(f"pairs that agree {agree}, answers marked as replayed {replayed}")
    assert statuses == {200: 2 * PAIRS}
    assert started == agree == replayed == PAIRS


async def _race(port: int, key: str) -> list[tuple[int, str, bool]]:
    room = asyncio.Semaphore(AT_ONCE)
    pairs = await asyncio.gather(*(_pair(port, key, n, room) for n in range(PAIRS)))
    return [answer for pair in pairs for answer in pair]


async def _pair(
    port: int, key: str, number: int, room: asyncio.Semaphore
) -> list[tuple[int, str, bool]]:
    async with room:
        start = asyncio.Event()
        calls = [asyncio.create_task(_call(port, key, number, start)) for _ in range(2)]
        await asyncio.sleep(0.01)
        start.set()
        return await asyncio.gather(*calls)


async def _call(port: int, key: str, number: int, start: asyncio.Event) -> tuple[int, str, bool]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /api/deployed/bench HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: pair-{number}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n"
    )
    await start.wait()
    writer.write(head.encode() + BODY)
    answer = await reader.read()
    writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    replayed = b"idempotent-replayed" in top.lower()
    return int(top.split()[1]), json.loads(body).get("log_id", ""), replayed


def _started(port: int, key: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/api/deployments", headers={"Authorization": f"Bearer {key}"})
    rows = json.loads(connection.getresponse().read())["results"]
    connection.close()
    count: int = rows[0]["execution_count"]
    return count


if __name__ == "__main__":
    main()
