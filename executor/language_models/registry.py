"""Finds the models of this installation by name, and the default ones."""

from __future__ import annotations

import functools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.db import connections

from designs.runtime.background import once
from executor.engine.breaker import GuardedModel
from executor.engine.llm import offline
from executor.engine.llm.base import Model, ModelError
from executor.engine.llm.clients import Endpoint, Protocol, load_now
from executor.engine.llm.offline import StandIn
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.prices import FREE, Price
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.workarounds import Lack
from executor.errors import ModelUnavailable
from executor.language_models.chosen_default import chosen_default
from executor.language_models.connection_clients import (
    COMPATIBLE,
    PRICED,
    provider_model,
    unavailable,
    with_breaker,
)
from executor.language_models.connection_models import PROVIDERS, ConnectionCache, ConnectionModel
from executor.models import ModelConnection
from executor.models.connection import NAME_PATTERN

logger = logging.getLogger(__name__)

LOCAL = "local:smollm2"

# The default model of a provider: good answers at a modest price.
PROVIDER_DEFAULTS: dict[Protocol, str] = {
    "openai": "gpt-5-mini",
    "anthropic": "claude-sonnet-5-5",
    "google": "gemini-2.5-flash",
}

# A small model repeats itself and does not know when to stop.
LOCAL_OPTIONS = ModelOptions(
    max_tokens=200,
    max_schema_tokens=800,
    temperature=0.0,
    extra_body={"repeat_penalty": 1.1},
    bounded=True,
    free=True,
    # It is too small for that: it makes calls up, or none.
    lacks=frozenset({Lack.TOOLS}),
)
# Designs may name any model of a provider; the least recently used are dropped.
MAX_MODELS = 256


class ModelRegistry:
    """Finds models by `provider:model`, or by the name of a model connection, and caches them, so
    that their clients and breakers are shared.
    """

    def __init__(self) -> None:
        self.connections = ConnectionCache()
        self._environment = settings.ENVIRONMENT
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._lock = threading.Lock()

    def resolve(self, name: str) -> Model:
        """Reads no rows, so event loops may call it: connections are looked up at each call.

        Raises ModelError(UNAVAILABLE).
        """
        with self._lock:
            if settings.ENVIRONMENT is not self._environment:
                self._environment, self._models = settings.ENVIRONMENT, OrderedDict()
            model = self._models.get(name)
            if model is None:
                word, _, model_name = name.partition(":")
                if word in _FACTORIES and model_name:
                    model = _FACTORIES[word](name, model_name)
                    if not isinstance(model, StandIn):
                        model = with_breaker(model)
                elif word not in _FACTORIES and NAME_PATTERN.fullmatch(word):
                    model = ConnectionModel(self.connections, name)
                else:
                    raise unavailable(
                        f"There is no model '{name}': write it as provider:model, with "
                        f"{PROVIDERS}, or name a model connection."
                    )
                self._models[name] = model
            self._models.move_to_end(name)
            while len(self._models) > MAX_MODELS:
                self._models.popitem(last=False)
        return model


@functools.cache
def model_registry() -> ModelRegistry:
    return ModelRegistry()


def check_model(name: str) -> None:
    """Blocks. Raises ModelUnavailable with a sentence that says what is missing."""
    try:
        model = model_registry().resolve(name)
        if isinstance(model, ConnectionModel):
            model.check()
    except ModelError as error:
        raise ModelUnavailable(error.message) from error


def price_of(name: str) -> Price | None:
    """The price of a million tokens; None if unknown, so that no cost limit can be enforced.

    Blocks. Raises ModelUnavailable.
    """
    try:
        model = model_registry().resolve(name)
        if isinstance(model, GuardedModel):
            model = model.model
        if isinstance(model, ConnectionModel | ProviderModel):
            return model.price()
    except ModelError as error:
        raise ModelUnavailable(error.message) from error
    return FREE


def provider_of(name: str) -> str:
    """Who serves the model, in the words of connections. Blocks. Raises ModelUnavailable."""
    try:
        model = model_registry().resolve(name)
        return model.provider() if isinstance(model, ConnectionModel) else name.partition(":")[0]
    except ModelError as error:
        raise ModelUnavailable(error.message) from error


def load_models(then: Callable[[], None]) -> None:
    """Import what the first model calls need, in a thread, once per process; then call `then`.

    It takes seconds, so call it only when the process serves requests already.
    """

    def load() -> None:
        protocols: set[Protocol] = {"openai_compatible"}
        protocols.update(provider for provider, key in _provider_keys().items() if key)
        try:
            enabled = ModelConnection.objects.filter(is_enabled=True)
            providers = enabled.values_list("provider", flat=True).distinct()
            protocols.update(cast(Protocol, provider) for provider in providers)
        except Exception as error:  # noqa: BLE001 - whatever it is, the first call meets it, too
            logger.warning("The model connections cannot be read yet: %s", error)
        finally:
            connections.close_all()
        for protocol in sorted(protocols):
            try:
                load_now(protocol)
            except Exception as error:  # noqa: BLE001 - the others must still be loaded
                logger.warning("The libraries of %s models cannot be loaded: %r", protocol, error)
        then()

    once("load-models", load)


def default_models() -> tuple[str, ...]:
    """The fallback chain for designs and agents that name no model.

    The first that is set of: ORCHESTRA_MODEL; the model connection chosen as the default; a
    provider's key; ORCHESTRA_LLM_URL; the local model. Else the stand-in.
    """
    environment = settings.ENVIRONMENT
    if environment.model:
        return tuple(name.strip() for name in environment.model.split(",") if name.strip())
    if name := chosen_default():
        return (name,)
    if names := provider_models():
        return names[:1]
    if environment.llm_url:
        return (f"openai_compatible:{environment.llm_model}",)
    if environment.local_model and environment.local_model_url:
        return (LOCAL,)
    return (offline.NAME,)


def provider_models() -> tuple[str, ...]:
    """The default model of each provider whose key is set."""
    keys = _provider_keys().items()
    return tuple(f"{provider}:{PROVIDER_DEFAULTS[provider]}" for provider, key in keys if key)


def _provider_keys() -> dict[Protocol, str]:
    environment = settings.ENVIRONMENT
    return {
        "openai": environment.openai_api_key,
        "anthropic": environment.anthropic_api_key,
        "google": environment.gemini_api_key,
    }


def _with_key(name: str, model: str) -> Model:
    provider = cast(Protocol, name.partition(":")[0])
    key = _provider_keys()[provider]
    if not key:
        variable = {"google": "GEMINI_API_KEY"}.get(provider, f"{provider.upper()}_API_KEY")
        raise unavailable(f"The model '{name}' needs a key: set {variable}.")
    return provider_model(name, Endpoint(provider, model, "", key), PRICED)


def _at_llm_url(name: str, model: str) -> Model:
    """A server at ORCHESTRA_LLM_URL. Ollama has no default address here: that would be an internal
    one, and only administrators may open internal addresses.
    """
    environment = settings.ENVIRONMENT
    protocol = cast(Protocol, name.partition(":")[0])
    if not environment.llm_url:
        hint = "set ORCHESTRA_LLM_URL and ORCHESTRA_LLM_MODEL."
        if protocol == "ollama":
            hint = (
                "set ORCHESTRA_LLM_URL, for instance to http://127.0.0.1:11434/v1, or make a model "
                "connection of the provider Ollama and name that."
            )
        raise unavailable(f"The model '{name}' needs an address: {hint}")
    endpoint = Endpoint(protocol, model, environment.llm_url, environment.llm_key)
    return provider_model(name, endpoint, COMPATIBLE)


def _local(name: str, model: str) -> Model:
    environment = settings.ENVIRONMENT
    if name != LOCAL:
        raise unavailable(f"There is no local model '{model}': the one there is, is {LOCAL}.")
    if not environment.local_model:
        raise unavailable(f"The model '{LOCAL}' is switched off by ORCHESTRA_LOCAL_MODEL.")
    if not environment.local_model_url:
        raise unavailable(
            f"The model '{LOCAL}' is not running: start Orchestra with 'make run', or start "
            "'manage.py serve_local_model' and set ORCHESTRA_LOCAL_MODEL_URL for every process."
        )
    url, key = environment.local_model_url, environment.local_model_key
    return provider_model(name, Endpoint("openai_compatible", model, url, key), LOCAL_OPTIONS)


def _offline(name: str, model: str) -> Model:
    if name != offline.NAME:
        raise unavailable(
            f"There is no offline model '{model}': the one there is, is {offline.NAME}."
        )
    return StandIn()


_FACTORIES: dict[str, Callable[[str, str], Model]] = {
    "openai": _with_key,
    "anthropic": _with_key,
    "google": _with_key,
    "ollama": _at_llm_url,
    "openai_compatible": _at_llm_url,
    "local": _local,
    "offline": _offline,
}
