"""gunicorn's configuration without the even split: asyncio accepts all connections that wait."""

from runpy import run_path
from typing import Any

_ours = run_path("gunicorn.conf.py")
keepalive = _ours["keepalive"]


def post_worker_init(worker: Any) -> None:
    from orchestra.server.connections import Connection

    create = worker.loop.create_server
    _ours["post_worker_init"](worker)

    async def create_server(factory: Any, *, sock: Any, **more: Any) -> Any:
        return await create(lambda: Connection(worker), sock=sock, **more)

    worker.loop.create_server = create_server
