"""A program for a test: the web application starts, loads in the background what models need, and
asks one. Prints the modules that the call still had to import, as JSON.

Run: python -m tests.orchestra.first_call MODEL
"""

import asyncio
import json
import os
import sys
import threading
from typing import Any

from designs.patterns.base import Part
from executor.engine.llm.base import ModelRequest
from orchestra import asgi


async def main() -> None:
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    complete = asyncio.Event()

    async def send(message: Any) -> None:
        assert message["type"] == "lifespan.startup.complete", message
        complete.set()

    started = asyncio.create_task(asgi.application({"type": "lifespan"}, inbox.get, send))
    inbox.put_nowait({"type": "lifespan.startup"})
    await complete.wait()
    # It is told that it has started before the models are loaded.
    await asyncio.sleep(0)
    for thread in threading.enumerate():
        if thread.name == "load-models":
            await asyncio.to_thread(thread.join)
    before = set(sys.modules)
    answer = await _ask(sys.argv[1])
    assert answer.text == "Hello."
    sys.stdout.write(json.dumps(sorted(set(sys.modules) - before)) + "\n")
    sys.stdout.flush()
    started.cancel()
    os._exit(0)


async def _ask(name: str) -> Any:
    from executor.language_models.registry import model_registry

    parts = (Part("Task", "Say hello."),)
    return await model_registry().resolve(name).complete(
        ModelRequest("1:block/agent", "You are kind.", parts, "answer", "worker")
    )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
