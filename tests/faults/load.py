"""Callers that start executions in every way there is, and remember what they were told."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 60.0
# A key is sent again until it is answered; whoever asks so often is answered.
MAX_TRIES = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What one call was answered: the execution, and its result if it had ended."""

    execution: str
    status: int
    body: dict[str, Any]
    key: str = ""


@dataclass
class Load:
    """Calls until it is stopped. `told` are the answers that accept, `refused` counts others."""

    port: int
    api_key: str
    seed: int
    paths: tuple[str, ...]
    computing: str
    callers: int = 6
    pause_seconds: float = 0.6
    told: list[Told] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        for number in range(self.callers):
            chance = random.Random(f"{self.seed} caller {number}")
            thread = threading.Thread(target=self._work, args=(chance,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let each caller end its call."""
        self._over.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    @property
    def accepted(self) -> int:
        return len({told.execution for told in self.told})

    def _work(self, chance: random.Random) -> None:
        ways = (self._wait, self._wait, self._queue, self._queue, self._race, self._compute)
        ways = (*ways, self._cancel)
        while not self._over.wait(chance.uniform(0.3, 1.7) * self.pause_seconds):
            try:
                chance.choice(ways)(chance)
            except Exception as error:  # noqa: BLE001 - told in the end, whatever it is
                self.broken.append(repr(error))

    # --- The ways of calling ----------------------------------------------------------------------

    def _wait(self, chance: random.Random) -> None:
        self._call(chance.choice(self.paths))

    def _compute(self, chance: random.Random) -> None:
        self._call(self.computing, {"n": next(self._numbers)})

    def _queue(self, chance: random.Random) -> None:
        self._call(chance.choice(self.paths), Prefer="respond-async")

    def _race(self, chance: random.Random) -> None:
        """Two callers send one key at the same time, each until it is answered."""
        path, key = chance.choice(self.paths), uuid.UUID(int=chance.getrandbits(128)).hex
        headers = [{}, {"Prefer": chance.choice(("respond-async", "wait=20"))}]
        threads = [
            threading.Thread(target=self._until_answered, args=(path, key, more), daemon=True)
            for more in headers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS)

    def _until_answered(self, path: str, key: str, headers: dict[str, str]) -> None:
        for _ in range(MAX_TRIES):
            if self._call(path, key=key, **headers) is not None:
                return
            time.sleep(0.3)
        self.broken.append(f"the key {key} was never answered")

    def _cancel(self, chance: random.Random) -> None:
        told = self._call(chance.choice(self.paths), Prefer="respond-async")
        if told is not None:
            time.sleep(chance.uniform(0, 1.5))
            self._send("POST", f"/api/executions/{told.execution}/cancel", None, {})

    # --- HTTP -------------------------------------------------------------------------------------

    def _call(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Told | None:
        """One call; None if nobody said that it was accepted."""
        if key:
            headers["Idempotency-Key"] = key
        answer = self._send("POST", f"/api/deployed{path}", body or {}, headers)
        if answer is None:
            return None
        status, found = answer
        if "log_id" not in found:
            self.refused[f"{status} {found.get('type', '')}"] += 1
            if status == 500 or status < 500 and status != 429:
                self.broken.append(f"{status}: {found}")
            return None
        told = Told(str(found["log_id"]).replace("-", ""), status, found, key)
        self.told.append(told)
        return told

    def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        data = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.api_key}", **headers}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            with response:
                return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The process that was to answer has died.
            self.refused[type(error).__name__] += 1
            return None
        finally:
            connection.close()
