"""Everything at once, on PostgreSQL: who is served well while one key floods the installation.

Run: python -m benchmarks.overload  (BENCH_SECONDS, BENCH_WAITING)

Ten thousand runs of one key wait, workers are full of slow model calls, the key goes on calling,
fifty execution pages and a thousand streams are open, and runs with callbacks end. Meanwhile, and
while these streams are opened all at once, another key calls and a person looks at pages. At the
end the model becomes quick, and every accepted run must have ended once.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import redis

from benchmarks.overload_rows import people_of, states_of
from benchmarks.servers import ROOT, Ground, free_port, ground, server

SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))  # noqa: TID251
WAITING = int(os.environ.get("BENCH_WAITING", "10000"))  # noqa: TID251
SLOW, QUICK = 5.0, 0.05
PAGES, STREAMS, PEOPLE = 50, 1000, 60
FLOOD_AT_ONCE = 100
# All streams are opened so many times, each time within so long.
OPENINGS, OPENING_SECONDS = 3, 60.0
END_SECONDS = 900.0
CALLED = ("/", "/deployments/", "/executions/", "/designs/", "/schedules/", "/api/executions")


@dataclass
class Seen:
    """Seconds by what was asked, and what went wrong."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    accepted: set[str] = field(default_factory=set)
    late: list[float] = field(default_factory=list)
    streams: int = 0


def main() -> None:
    model, receiver, web = free_port(), free_port(), free_port()
    variables = {
        "ORCHESTRA_LLM_URL": f"http://127.0.0.1:{model}/v1",
        "ORCHESTRA_LLM_MODEL": "bench",
        "ORCHESTRA_MODEL": "openai_compatible:bench",
        "ORCHESTRA_EGRESS_ALLOW": "127.0.0.1",
    }
    with ExitStack() as held:
        found = held.enter_context(ground(**variables))
        people = people_of(found, PEOPLE)
        held.enter_context(server(["benchmarks.overload_peers", str(model)], found, model))
        held.enter_context(server(["benchmarks.overload_peers", str(receiver)], found, receiver))
        _ask(model, f"/seconds/{SLOW}")
        arguments = ["gunicorn", "-k", "asgi", "orchestra.asgi:application", "--workers", "2"]
        arguments += ["--no-control-socket", "--log-level", "warning", "--keep-alive", "75"]
        held.enter_context(server([*arguments, "--bind", f"127.0.0.1:{web}"], found, web))
        for words in (("worker", "-P", "threads", "-c", "8"), ("beat", "--pidfile=")):
            held.enter_context(_celery(found, *words))
        seen = asyncio.run(_Overload(found, people, web, receiver, model).run())
        _tell(seen)


# --- What goes on ---------------------------------------------------------------------------------


class _Overload:
    def __init__(
        self, found: Ground, people: list[dict[str, str]], web: int, receiver: int, model: int
    ) -> None:
        self.ground, self.people = found, people
        self.web, self.receiver, self.model = web, receiver, model
        self.seen = Seen()
        self.over = asyncio.Event()
        self.phase = ""
        self.broker = redis.Redis.from_url(found.environment["REDIS_URL"])

    async def run(self) -> Seen:
        flood, calm = self.ground.key, self.people[0]
        print("alone:")
        await self._probe(calm, 5.0)
        _tell(self.seen)
        self.seen.times.clear()
        await self._fill(flood)
        runs = sorted(self.seen.accepted)[:10]
        tasks = [asyncio.create_task(work) for work in self._load(flood)]
        tasks += await self._come_back(calm, runs)
        watching = asyncio.create_task(self._watch())
        await self._probe(calm, SECONDS)
        self.over.set()
        await asyncio.gather(*tasks, watching, return_exceptions=True)
        _ask(self.model, f"/seconds/{QUICK}")
        await self._end(calm)
        self.seen.late = [float(one) for one in json.loads(_ask(self.receiver, "/late"))]
        return self.seen

    async def _fill(self, key: str) -> None:
        began = time.perf_counter()
        left = iter(range(WAITING))

        async def accept() -> None:
            for _ in left:
                status, body = await self._call("/api/deployed/model", key, MODEL_BODY, _ASYNC)
                if status == 202:
                    self.seen.accepted.add(json.loads(body)["log_id"])
                else:
                    self.seen.wrong[f"accepting: {status}"] += 1

        await asyncio.gather(*(accept() for _ in range(20)))
        took = time.perf_counter() - began
        print(f"{len(self.seen.accepted)} runs wait; accepted in {took:.0f} s")

    async def _come_back(self, calm: dict[str, str], runs: list[str]) -> list[asyncio.Task[None]]:
        """Open all streams, some times as after a deploy, while others call and look at pages;
        leaves them open.
        """
        self.phase = "while streams open: "
        for number in range(OPENINGS):
            self.seen.streams, closed = 0, asyncio.Event()
            began = time.perf_counter()
            tasks = [asyncio.create_task(work) for work in self._listeners(runs, closed)]
            opening = asyncio.create_task(self._until_open(tasks))
            await self._probe(calm, OPENING_SECONDS, opening)
            print(f"{self.seen.streams} streams open after {time.perf_counter() - began:.1f} s")
            if number + 1 < OPENINGS:
                closed.set()
                await asyncio.gather(*tasks)
        self.phase = ""
        return [*tasks, asyncio.create_task(_set_after(self.over, closed))]

    async def _until_open(self, tasks: list[asyncio.Task[None]]) -> None:
        while self.seen.streams + sum(task.done() for task in tasks) < len(tasks):
            await asyncio.sleep(0.01)

    def _load(self, flood: str) -> Iterator[Coroutine[Any, Any, None]]:
        for _ in range(FLOOD_AT_ONCE):
            yield self._flood(flood)
        yield self._callbacks(self.people[1]["key"])

    def _listeners(
        self, runs: list[str], closed: asyncio.Event
    ) -> Iterator[Coroutine[Any, Any, None]]:
        for number in range(PAGES):
            person = self.people[number % len(self.people)]
            path = f"/api/executions/{runs[number % len(runs)]}/events"
            yield self._listen(path, f"Cookie: sessionid={person['session']}", closed)
        for number in range(STREAMS):
            person = self.people[number % len(self.people)]
            path = f"/api/executions/{runs[number % len(runs)]}/events"
            yield self._listen(path, f"Authorization: Bearer {person['key']}", closed)

    async def _flood(self, key: str) -> None:
        while not self.over.is_set():
            began = time.perf_counter()
            status, body = await self._call(
                "/api/deployed/model", key, MODEL_BODY, "Prefer: wait=2"
            )
            name = f"{self.phase}flooding key, {status}"
            self.seen.times[name].append(time.perf_counter() - began)
            if status == 202:
                self.seen.accepted.add(json.loads(body)["log_id"])
            elif status != 200:
                await asyncio.sleep(0.2)

    async def _callbacks(self, key: str) -> None:
        header = f"Callback-Url: http://127.0.0.1:{self.receiver}/heard"
        while not self.over.is_set():
            await self._call("/api/deployed/bench", key, BODY, header)
            await asyncio.sleep(0.5)

    async def _listen(self, path: str, header: str, closed: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.web)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.web}\r\n{header}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            self.seen.wrong[f"stream: {head.split()[1].decode()}"] += 1
            return
        self.seen.streams += 1
        reading = asyncio.create_task(_drain(reader))
        await closed.wait()
        reading.cancel()
        writer.close()

    async def _probe(
        self, person: dict[str, str], seconds: float, until: asyncio.Task[None] | None = None
    ) -> None:
        """A person's pages and another key's calls, one after the other; no longer than `until`."""
        end = time.perf_counter() + seconds
        cookie = f"Cookie: sessionid={person['session']}"
        while time.perf_counter() < end and not (until and until.done()):
            for path in CALLED:
                header = f"Authorization: Bearer {person['key']}" if "/api/" in path else cookie
                await self._timed(path, lambda p=path, h=header: self._get(p, h), 200)
            await self._timed(
                "another key's call",
                lambda: self._call("/api/deployed/bench", person["key"], BODY, ""),
                200,
            )
            await asyncio.sleep(0.2)

    async def _timed(
        self, name: str, ask: Callable[[], Awaitable[tuple[int, bytes]]], wanted: int
    ) -> None:
        began = time.perf_counter()
        status, _ = await ask()
        self.seen.times[self.phase + name].append(time.perf_counter() - began)
        if status != wanted:
            self.seen.wrong[f"{name}: {status}"] += 1

    async def _watch(self) -> None:
        """Broker and memory, at the beginning and at the end of the load."""
        print("before", self._state())
        while not self.over.is_set():
            await asyncio.sleep(1.0)
        print("after ", self._state())

    def _state(self) -> str:
        queues = {name: self.broker.llen(name) for name in ("executions", "ends", "celery")}
        used = self.broker.info("memory")["used_memory"] / 2**20
        web = [
            process.memory_info().rss / 2**20
            for process in psutil.Process().children(recursive=True)
            if "orchestra.asgi:application" in process.cmdline()
        ]
        sizes = ", ".join(f"{size:.0f}" for size in web)
        return f"queues {queues}, broker {used:.1f} MiB, web processes {sizes} MiB"

    async def _end(self, person: dict[str, str]) -> None:
        """Wait until nothing is live; then every accepted run must have ended."""
        began = time.perf_counter()
        header = f"Authorization: Bearer {person['key']}"
        live = "/api/executions?status=queued&status=running&limit=1"
        while time.perf_counter() - began < END_SECONDS:
            status, body = await self._get(live, header)
            if status == 200 and not json.loads(body)["results"]:
                break
            await asyncio.sleep(2.0)
        print(f"all ended after {time.perf_counter() - began:.0f} s")
        states = states_of(self.ground)
        missing = self.seen.accepted - states.keys()
        ended = defaultdict(int)
        for name in self.seen.accepted & states.keys():
            ended[states[name]] += 1
        print(f"accepted {len(self.seen.accepted)}, lost {len(missing)}, {dict(ended)}")

    async def _get(self, path: str, header: str) -> tuple[int, bytes]:
        return await self._request(f"GET {path} HTTP/1.1", header, b"")

    async def _call(self, path: str, key: str, body: bytes, header: str) -> tuple[int, bytes]:
        lines = f"Authorization: Bearer {key}\r\nContent-Type: application/json"
        return await self._request(
            f"POST {path} HTTP/1.1", f"{lines}\r\n{header}" if header else lines, body
        )

    async def _request(self, line: str, header: str, body: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.web)
        try:
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            writer.write(
                f"{line}\r\nHost: 127.0.0.1:{self.web}\r\n{header}\r\n{length}"
                "Connection: close\r\n\r\n".encode()
                + body
            )
            answer = await reader.read()
        except ConnectionError as error:
            self.seen.wrong[f"{line.split()[1]}: {type(error).__name__}"] += 1
            return 0, b""
        finally:
            writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        return (int(head.split()[1]) if head else 0), _plain(head, content)


MODEL_BODY = BODY = json.dumps({"rows": [{"name": "a row", "amount": 1}]}).encode()
_ASYNC = "Prefer: respond-async"


def _plain(head: bytes, content: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head.lower():
        return content
    plain = b""
    while content:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        plain, content = plain + content[:length], content[length + 2 :]
    return plain


async def _set_after(first: asyncio.Event, then: asyncio.Event) -> None:
    await first.wait()
    then.set()


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        continue


def _ask(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


@contextmanager
def _celery(found: Ground, *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "orchestra.celery:app", *words, "-l", "WARNING"],
        env={**found.environment, "ORCHESTRA_PROCESS": words[0]},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _tell(seen: Seen) -> None:
    for name, times in sorted(seen.times.items()):
        ordered = sorted(times)
        p99 = ordered[int(len(ordered) * 0.99)]
        print(
            f"{name:40} {len(times):6} asked, median {statistics.median(times) * 1000:7.0f} ms, "
            f"p99 {p99 * 1000:7.0f} ms, longest {ordered[-1] * 1000:7.0f} ms"
        )
    if seen.late:
        late = sorted(seen.late)
        middle, most = late[len(late) // 2], late[-1]
        print(f"callbacks: {len(late)} heard, median {middle:.2f} s late, most {most:.2f} s")
    if seen.streams:
        print(f"streams open: {seen.streams} of {PAGES + STREAMS}")
    for name, count in sorted(seen.wrong.items()):
        print(f"WRONG  {name}: {count}")


if __name__ == "__main__":
    main()
