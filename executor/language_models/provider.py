"""The models of this installation: which there are, by name, and which is the default."""

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
from executor.errors import ModelUnavailable
from executor.language_models.connections import PROVIDERS, ConnectionModel, Connections
from executor.language_models.targets import (
    COMPATIBLE,
    PRICED,
    guarded,
    provider_model,
    unavailable,
)
from executor.models import ModelConnection
from executor.models.connection import NAME_PATTERN

logger = logging.getLogger(__name__)

LOCAL = "local:smollm2"

# What is used of a provider when only its key is given: good answers at a modest price.
USUAL_MODELS: dict[Protocol, str] = {
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
)
# Designs may name any model of a provider; those used last are kept.
MAX_KEPT = 256


class InstallationModels:
    """Finds models by `provider:model`, or by the name of a model connection; those used last are
    kept, so that their clients and breakers are shared.
    """

    def __init__(self) -> None:
        self.connections = Connections()
        self._environment = settings.ENVIRONMENT
        self._known: OrderedDict[str, Model] = OrderedDict()
        self._lock = threading.Lock()

    def resolve(self, name: str) -> Model:
        """Reads no row, as it is called on event loops: a connection is looked up when asked."""
        with self._lock:
            if settings.ENVIRONMENT is not self._environment:
                self._environment, self._known = settings.ENVIRONMENT, OrderedDict()
            model = self._known.get(name)
            if model is None:
                model = self._known[name] = self._find(name)
            self._known.move_to_end(name)
            while len(self._known) > MAX_KEPT:
                self._known.popitem(last=False)
        return model

    def _find(self, name: str) -> Model:
        word, _, model = name.partition(":")
        finder = _FINDERS.get(word)
        if finder is not None and model:
            found = finder(name, model)
            return found if isinstance(found, StandIn) else guarded(found)
        if finder is None and NAME_PATTERN.fullmatch(word):
            return ConnectionModel(self.connections, name)
        raise unavailable(
            f"There is no model '{name}': write it as provider:model, with {PROVIDERS}, or name a "
            "model connection."
        )


@functools.cache
def installation_models() -> InstallationModels:
    """The models of this process; the same object at every call."""
    return InstallationModels()


def check_model(name: str) -> None:
    """Not for the event loop. Raises ModelUnavailable with a sentence that says what is missing."""
    try:
        model = installation_models().resolve(name)
        if isinstance(model, ConnectionModel):
            model.check()
    except ModelError as error:
        raise ModelUnavailable(error.message) from error


def price_of(name: str) -> Price | None:
    """What a million tokens of a model cost; None if that is not known, so that no cap of cost can
    be kept. Not for the event loop. Raises ModelUnavailable as `check_model`.
    """
    try:
        model = installation_models().resolve(name)
        if isinstance(model, GuardedModel):
            model = model.model
        if isinstance(model, ConnectionModel | ProviderModel):
            return model.price()
    except ModelError as error:
        raise ModelUnavailable(error.message) from error
    return FREE


def load_models(then: Callable[[], None]) -> None:
    """Import what the first calls of models need, in a thread of its own; once a process.

    To be called when the process answers: it takes up to seconds, which no start needs to wait for.
    """

    def load() -> None:
        _load_models()
        then()

    once("load-models", load)


def _load_models() -> None:
    protocols: set[Protocol] = {"openai_compatible"}
    protocols.update(provider for provider, key in _keys().items() if key)
    try:
        found = ModelConnection.objects.filter(is_enabled=True).values_list("provider", flat=True)
        protocols.update(cast(Protocol, provider) for provider in found.distinct())
    except Exception as error:  # noqa: BLE001 - whatever it is, the first call meets it, too
        logger.warning("The model connections cannot be read yet: %s", error)
    finally:
        connections.close_all()
    for protocol in sorted(protocols):
        try:
            load_now(protocol)
        except Exception as error:  # noqa: BLE001 - the others are to be loaded all the same
            logger.warning("What %s models need cannot be loaded: %r", protocol, error)


def default_models() -> tuple[str, ...]:
    """The fallback chain for designs and agents that name no model.

    In this order: ORCHESTRA_MODEL; a provider's key, or ORCHESTRA_LLM_URL; the local model; the
    stand-in.
    """
    environment = settings.ENVIRONMENT
    if environment.model:
        return tuple(name.strip() for name in environment.model.split(",") if name.strip())
    for provider, key in _keys().items():
        if key:
            return (f"{provider}:{USUAL_MODELS[provider]}",)
    if environment.llm_url:
        return (f"openai_compatible:{environment.llm_model}",)
    if environment.local_model and environment.local_model_url:
        return (LOCAL,)
    return (offline.NAME,)


def _keys() -> dict[Protocol, str]:
    environment = settings.ENVIRONMENT
    return {
        "openai": environment.openai_api_key,
        "anthropic": environment.anthropic_api_key,
        "google": environment.gemini_api_key,
    }


def _with_key(name: str, model: str) -> Model:
    provider, key = next(found for found in _keys().items() if name.startswith(f"{found[0]}:"))
    if not key:
        variable = {"google": "GEMINI_API_KEY"}.get(provider, f"{provider.upper()}_API_KEY")
        raise unavailable(f"The model '{name}' needs a key: set {variable}.")
    return provider_model(name, Endpoint(provider, model, "", key), PRICED)


def _compatible(name: str, model: str) -> Model:
    environment = settings.ENVIRONMENT
    if not environment.llm_url:
        raise unavailable(
            f"The model '{name}' needs an address: set ORCHESTRA_LLM_URL and ORCHESTRA_LLM_MODEL."
        )
    endpoint = Endpoint("openai_compatible", model, environment.llm_url, environment.llm_key)
    return provider_model(name, endpoint, COMPATIBLE)


def _ollama(name: str, model: str) -> Model:
    """At ORCHESTRA_LLM_URL. Nobody but an administrator opens an address of the inner network, and
    the usual one of Ollama is one.
    """
    environment = settings.ENVIRONMENT
    if not environment.llm_url:
        raise unavailable(
            f"The model '{name}' needs an address: set ORCHESTRA_LLM_URL, for instance to "
            "http://127.0.0.1:11434/v1, or make a model connection of the provider Ollama and name "
            "that."
        )
    endpoint = Endpoint("ollama", model, environment.llm_url, environment.llm_key)
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


_FINDERS: dict[str, Callable[[str, str], Model]] = {
    "openai": _with_key,
    "anthropic": _with_key,
    "google": _with_key,
    "ollama": _ollama,
    "openai_compatible": _compatible,
    "local": _local,
    "offline": _offline,
}
