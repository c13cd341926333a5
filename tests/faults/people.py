"""People who decide whatever the runs ask, all at once, until they are stopped."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 30.0
LOOK_SECONDS = 0.2
# A vote that another one, or an earlier try of the same, has made needless.
NEEDLESS = frozenset({"already-voted", "request-closed"})


@dataclass
class People:
    """Each with a key of their own that may decide; `said` counts the answers to votes."""

    port: int
    api_keys: tuple[str, ...]
    said: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for key in self.api_keys:
            thread = threading.Thread(target=self._decide, args=(key,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    def _decide(self, key: str) -> None:
        while not self._over.wait(LOOK_SECONDS):
            _, found = self._send("GET", "/api/requests?mine=true&limit=50", key)
            for request in found.get("results", ()):
                self._vote(request["id"], key)

    def _vote(self, pk: str, key: str) -> None:
        status, found = self._send("POST", f"/api/requests/{pk}/votes", key, {"verdict": "approve"})
        word = str(found.get("type", "")).rpartition("/")[2]
        self.said[f"{status} {word}".strip()] += 1
        if status == 500 or status in range(400, 429) and word not in NEEDLESS:
            self.broken.append(f"a vote was answered {status}: {found}")

    def _send(
        self, method: str, path: str, key: str, body: Any = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 if nobody answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as response:
                return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            # The process that was to answer has died.
            return 0, {}
        finally:
            connection.close()
