"""What designs may know of the models of this installation: defaults, prices, who serves them."""

from __future__ import annotations

import functools
import threading
import time
from collections import OrderedDict

from designs.validation import ModelFact
from executor.engine.llm import offline
from executor.engine.llm.prices import LISTED, listed_price
from executor.errors import ModelUnavailable
from executor.language_models import registry
from executor.models.connection import HOSTED

# A price that was changed is noticed after this time, at once in the process that changed it.
FRESH_SECONDS = 10.0
MAX_FACTS = 256
UNKNOWN = ModelFact()


class InstalledModels:
    """Facts by name, kept for a moment: a design that is being edited asks several times a second.

    Reading a fact blocks.
    """

    def __init__(self) -> None:
        self._facts: OrderedDict[str, tuple[float, ModelFact]] = OrderedDict()
        self._lock = threading.Lock()

    def default_models(self) -> tuple[str, ...]:
        return registry.default_models()

    def fact(self, name: str) -> ModelFact:
        now, expired_at = time.monotonic(), registry.model_registry().connections.expired_at
        with self._lock:
            at, fact = self._facts.get(name, (float("-inf"), UNKNOWN))
        if at > max(now - FRESH_SECONDS, expired_at):
            return fact
        fact = _fact(name)
        with self._lock:
            self._facts[name] = (now, fact)
            self._facts.move_to_end(name)
            while len(self._facts) > MAX_FACTS:
                self._facts.popitem(last=False)
        return fact


def _fact(name: str) -> ModelFact:
    try:
        hosted = registry.provider_of(name) in HOSTED
        return ModelFact(registry.price_of(name), hosted, is_real=name != offline.NAME)
    except ModelUnavailable:
        # A provider whose key is missing still has its prices.
        provider, _, model = name.partition(":")
        if provider not in LISTED:
            return UNKNOWN
        return ModelFact(listed_price(provider, model), is_hosted=True)


@functools.cache
def installed_models() -> InstalledModels:
    return InstalledModels()
