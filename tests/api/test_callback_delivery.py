"""Callbacks leave a running installation, whoever plays the run, and are shown in the log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from tests.api.conftest import Server
from tests.calling import call
from tests.receivers import Receiver, receiver
from tests.waiting import wait_until


def told(server: Server, heard: Receiver, path: str, body: Any, **headers: str) -> Any:
    """Calls with a callback; the message that came, checked as a receiver does."""
    key = server.keys["Deployer"]
    url = f"/api/deployments/{server.ids['deployment']}"
    _, made, _ = call(server.installation, key, "POST", f"{url}/callback-secret")
    before = len(heard.seen)
    headers = {"Callback-Url": heard.url, **headers}
    status, answer, _ = call(server.installation, key, "POST", path, body, **headers)
    assert status in (200, 202), answer
    wait_until(lambda: len(heard.seen) > before)
    sent, content = heard.seen[before]
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + content
    secret = base64.b64decode(made["secret"].removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    assert f"v1,{wanted}" in sent["webhook-signature"].split(" ")
    message = json.loads(content)
    assert message["data"]["log_id"] == answer["log_id"]
    return message


def test_the_end_is_told_whoever_plays_the_run(server: Server) -> None:
    with receiver() as heard:
        here = told(server, heard, "/api/deployed/role/greet", {"name": "Ada"})
        there = told(
            server, heard, "/api/deployed/role/greet", {"name": "Ada"}, Prefer="respond-async"
        )
    for message in (here, there):
        assert message["type"] == "execution.completed"
        assert "Ada" in message["data"]["result"]


def test_a_message_that_was_not_heard_comes_again_by_itself(server: Server) -> None:
    key, url = server.keys["Deployer"], f"/api/deployments/{server.ids['deployment']}/deliveries"
    with receiver(503) as heard:
        message = told(server, heard, "/api/deployed/role/greet", {})
        wait_until(lambda: len(heard.seen) == 2)
        rows = wait_until(
            lambda: [
                row
                for row in call(server.installation, key, "GET", f"{url}?status=delivered")[1][
                    "results"
                ]
                if row["log_id"] == message["data"]["log_id"]
            ]
        )
        assert [entry["status_code"] for entry in rows[0]["tries"]] == [503, 200]
        assert (
            heard.seen[0][0]["webhook-id"]
            == heard.seen[1][0]["webhook-id"]
            == rows[0]["message_id"]
        )
        status, _, _ = call(server.installation, key, "POST", f"{url}/{rows[0]['id']}/redeliver")
        assert status == 202
        wait_until(lambda: len(heard.seen) == 3)
        assert heard.seen[2][1] == heard.seen[0][1]
