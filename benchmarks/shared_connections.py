"""How many of the connections that come together one of two processes takes.

Run: python -m benchmarks.shared_connections  (BENCH_ROUNDS)

Two processes accept from one socket, with asyncio's way and with ours, and do nothing but answer.
Each process's bounds (streams, calls, runs at once) hold for what it took: those of a process that
took all refuse, while the other is idle.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from orchestra.server.listening import Acceptor

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))  # noqa: TID251
TOGETHER = (16, 64, 200)


class Named(asyncio.Protocol):
    """Says which process took the connection."""

    def __init__(self, held: set[Named]) -> None:
        self.held = held

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.held.add(self)
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"%d\n" % os.getpid())

    def connection_lost(self, error: Exception | None) -> None:
        self.held.discard(self)


def serve(listener: socket.socket, evenly: bool) -> None:
    async def forever() -> None:
        loop, held = asyncio.get_running_loop(), set[Named]()
        server: Acceptor | asyncio.Server
        if evenly:
            server = Acceptor(loop, lambda: Named(held), listener, load=lambda: len(held))
        else:
            server = await loop.create_server(lambda: Named(held), sock=listener, backlog=2048)
        await asyncio.Event().wait()
        server.close()

    asyncio.run(forever())


@contextmanager
def two_processes(*, evenly: bool) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        listener.setblocking(False)
        given = (listener, evenly)
        both = [multiprocessing.Process(target=serve, args=given, daemon=True) for _ in range(2)]
        for one in both:
            one.start()
        yield listener.getsockname()
        for one in both:
            one.kill()
            one.join()


async def most_at_one(address: tuple[str, int], count: int) -> int:
    opened = await asyncio.gather(*(asyncio.open_connection(*address) for _ in range(count)))
    names = [await reader.readline() for reader, _ in opened]
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()
    # The processes note that they are gone.
    await asyncio.sleep(0.1)
    return max(Counter(names).values())


def main() -> None:
    print(f"{'':18}" + "".join(f"{f'most of {count}':>20}" for count in TOGETHER))
    for evenly in (False, True):
        with two_processes(evenly=evenly) as address:
            asyncio.run(most_at_one(address, 8))
            found = [
                [asyncio.run(most_at_one(address, count)) for _ in range(ROUNDS)]
                for count in TOGETHER
            ]
        name = "shared evenly" if evenly else "as asyncio does"
        cells = [f"{statistics.median(one):.0f} ({min(one)}-{max(one)})" for one in found]
        print(f"{name:18}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
