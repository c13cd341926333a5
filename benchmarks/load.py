"""Callers of an HTTP endpoint: each sends its next request when the last one is answered."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from benchmarks.servers import cpu_seconds

BODY = json.dumps({"rows": [{"name": f"row {n}", "amount": n * 1.5} for n in range(6)]}).encode()


@dataclass(frozen=True)
class Round:
    """One target under so many callers. Rate in requests a second, times in milliseconds."""

    rate: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def measure(port: int, path: str, key: str, *, callers: int, seconds: float) -> Round:
    """Every answer is checked; the first that is not a success ends the benchmark."""
    before = cpu_seconds()
    began = time.perf_counter()
    times = asyncio.run(_load(port, path, key, callers, seconds))
    took = time.perf_counter() - began
    used = cpu_seconds() - before
    times.sort()
    return Round(
        len(times) / took,
        used / len(times) * 1000,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
    )


async def _load(port: int, path: str, key: str, callers: int, seconds: float) -> list[float]:
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    end = time.perf_counter() + seconds
    times: list[float] = []
    await asyncio.gather(*(_call(port, request, end, times) for _ in range(callers)))
    return times


async def _call(port: int, request: bytes, end: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 200 " not in head.split(b"\r\n", 1)[0] or b'"success":true' not in body:
            raise SystemExit(f"{head.decode()}{body.decode()}")
        times.append(time.perf_counter() - began)
    writer.close()
