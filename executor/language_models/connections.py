"""Models of model connections: which ones there are now, read while designs run."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from django.db import Error as DatabaseError

from designs.runtime.threads import in_thread_once
from designs.secrets.encryption import prepare_keys
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.prices import Price
from executor.language_models.call_slots import running_slots
from executor.language_models.targets import Known, Target, known, unavailable
from executor.models import PROVIDER_WORDS, ModelConnection

logger = logging.getLogger(__name__)

# A connection that was changed or disabled is so in every process after this long.
FRESH_SECONDS = 2.0
# A name that is not known is looked for again so soon: it may be a new one.
UNKNOWN_SECONDS = 0.2
# Designs may name any model behind a connection; those used last are kept.
MAX_KEPT = 256

# What may stand after the colon; some servers take it as a part of the address.
MODEL_PATTERN = re.compile(r"(?!.*\.\.)[\w.:/@+-]+", re.ASCII)
PROVIDERS = ", ".join(f"{word}:…" for word in sorted(PROVIDER_WORDS))


class Connections:
    """The connections as this process knows them: read at the first call, then every 2 seconds."""

    def __init__(self) -> None:
        self._known: dict[str, Known] | None = None
        # When the last reading began, and before when none counts any more.
        self._read_at = self._forgotten_at = float("-inf")
        self._models: OrderedDict[tuple[str, str], Target] = OrderedDict()
        self._retired: list[Target] = []
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read the records again before the next call."""
        self._forgotten_at = time.monotonic()

    def check(self, name: str, model: str) -> None:
        """Read now; not for the event loop. Raises ModelError(UNAVAILABLE) with a sentence."""
        self.read_target(name, model)

    def read_target(self, name: str, model: str) -> Target:
        """What is asked now; not for the event loop. Raises as `check`."""
        self._read()
        return self._find(name, model)

    async def target(self, name: str, model: str) -> Target:
        """What is asked now. Raises ModelError(UNAVAILABLE), or TRANSIENT without a database."""
        seconds = FRESH_SECONDS if name in (self._known or ()) else UNKNOWN_SECONDS
        wanted = max(time.monotonic() - seconds, self._forgotten_at)
        while self._read_at < wanted:
            await in_thread_once(self._read_again)
        if self._retired:
            await self._close_retired()
        return self._find(name, model)

    def _read_again(self) -> None:
        try:
            self._read()
        except DatabaseError as error:
            if self._known is None:
                sentence = "The model connections cannot be read at the moment."
                raise ModelError(ErrorKind.TRANSIENT, sentence) from error
            # What was known a moment ago is the best there is.
            logger.warning("The model connections could not be read again: %s", error)
            self._read_at = time.monotonic()

    def _read(self) -> None:
        began = time.monotonic()
        prepare_keys()
        self._known = {row.name: known(row) for row in ModelConnection.objects.all()}
        self._read_at = began

    def _find(self, name: str, model: str) -> Target:
        facts = self._usable(name)
        model = model or facts.default_model
        if not model:
            raise unavailable(
                f"The model connection '{name}' has no default model: set one in the admin, or "
                f"write {name}:model."
            )
        with self._lock:
            found = self._models.get((name, model))
            if found is None or found.known != facts:
                if found is not None:
                    self._retired.append(found)
                found = self._models[name, model] = Target(facts, model)
            self._models.move_to_end((name, model))
            while len(self._models) > MAX_KEPT:
                self._retired.append(self._models.popitem(last=False)[1])
        return found

    def _usable(self, name: str) -> Known:
        facts = (self._known or {}).get(name)
        if facts is None:
            raise unavailable(
                f"There is no model connection '{name}': make one in the admin, under Model "
                f"connections, or write the model as provider:model, with {PROVIDERS}."
            )
        if not facts.is_enabled:
            raise unavailable(
                f"The model connection '{name}' is disabled: enable it in the admin, or name "
                "another model."
            )
        return facts

    async def _close_retired(self) -> None:
        with self._lock:
            over = [target for target in self._retired if not target.calls]
            self._retired = [target for target in self._retired if target.calls]
        for target in over:
            await target.close()


class ConnectionModel:
    """A model named by its connection. What that is now, each call finds out itself."""

    def __init__(self, connections: Connections, name: str) -> None:
        self._connections = connections
        self._name = name
        self._connection, colon, self._model = name.partition(":")
        if colon and not MODEL_PATTERN.fullmatch(self._model):
            raise unavailable(
                f"'{name}' does not name a model: after the colon stand letters, digits and "
                ". _ : / @ + -"
            )

    @property
    def name(self) -> str:
        return self._name

    def check(self) -> None:
        """See `Connections.check`."""
        self._connections.check(self._connection, self._model)

    def price(self) -> Price | None:
        """What a million tokens cost, if that is known. As `check`, not for the event loop."""
        return self._connections.read_target(self._connection, self._model).price()

    async def has_price(self) -> bool:
        return await (await self._now()).has_price()

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """Ask once, as soon as the connection allows one more call. Raises ModelError.

        Waiting takes nothing of the call's own time, and no longer than that.
        """
        target = await self._now()
        limit = target.known.max_concurrent_calls
        if limit is None:
            return await target.complete(request, on_delta)
        target.breaker.check()
        slot = running_slots().take(
            target.known.id, limit, wait_seconds=request.timeout_seconds, name=self._name
        )
        async with slot:
            # While this call waited, the connection may have been changed.
            target = await self._now()
            return await target.complete(request, on_delta)

    async def begin_test(self) -> Target:
        """Read the connection anew, and let the next call through whatever failed before.

        What the server does without is to be found out anew, too.
        """
        self._connections.forget()
        target = await self._now()
        target.breaker.end_pause()
        target.lacks.clear()
        return target

    async def _now(self) -> Target:
        return await self._connections.target(self._connection, self._model)
