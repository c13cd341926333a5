"""A model server and a receiver of callbacks, for `benchmarks.overload`.

Run: python -m benchmarks.overload_peers PORT.
GET /seconds/5 sets how long an answer of the model takes; GET /late tells how late each callback
came, in seconds after its run had ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

from benchmarks.model_server import RESPONSE


class Peers:
    def __init__(self) -> None:
        self.seconds = 0.05
        self.late: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lower = head.lower()
                length = 0
                if b"content-length:" in lower:
                    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                writer.write(await self.answer(head.split()[1].decode(), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, path: str, body: bytes) -> bytes:
        if path.endswith("/chat/completions"):
            await asyncio.sleep(self.seconds)
            return RESPONSE
        if path.startswith("/seconds/"):
            self.seconds = float(path.rpartition("/")[2])
        if path == "/heard":
            ended = datetime.fromisoformat(json.loads(body)["data"]["completed_at"])
            self.late.append((datetime.now(UTC) - ended).total_seconds())
        told = json.dumps(self.late if path == "/late" else {}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)


async def main(port: int) -> None:
    peers = Peers()
    server = await asyncio.start_server(peers.serve, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
