"""A connection that was idle for longer than the web server's usual two seconds still works."""

from __future__ import annotations

import http.client
import runpy
import time

from tests.api.conftest import Server
from tests.installations import ROOT

# gunicorn's own default is 2.
IDLE_SECONDS = 3.0


def test_a_kept_connection_outlives_a_pause(server: Server) -> None:
    port = server.installation.port
    kept = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(8)]
    headers = {"Authorization": f"Bearer {server.keys['Viewer']}"}

    def ask(connection: http.client.HTTPConnection) -> int:
        connection.request("GET", "/api/executions?limit=1", headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert {ask(connection) for connection in kept} == {200}
    sockets = [connection.sock for connection in kept]
    time.sleep(IDLE_SECONDS)
    assert {ask(connection) for connection in kept} == {200}
    # The very same ones: the client opened no others.
    assert [connection.sock for connection in kept] == sockets
    for connection in kept:
        connection.close()


def test_every_way_of_starting_keeps_them(server: Server) -> None:
    """By `manage.py up`, the Procfile and the docs: each names what gunicorn reads by itself."""
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["keepalive"] == 75
    web = server.installation.member("gunicorn")
    lines = [
        " ".join(web.cmdline()),
        *(ROOT / "Procfile").read_text().splitlines(),
        *(ROOT / "docs/operations.md").read_text().splitlines(),
    ]
    started = [line for line in lines if "gunicorn" in line and "orchestra.asgi" in line]
    assert len(started) == 3
    assert web.cwd() == str(ROOT)
    for line in started:
        assert not {"--keep-alive", "--config", "-c", "--chdir"} & set(line.split())
