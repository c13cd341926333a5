"""What can be done with model connections: save one, and try whether it answers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from designs.access import SYSTEM, Caller
from designs.outgoing.addresses import AddressRefused, check_url
from designs.rows.locking import lock_row
from designs.secrets.masking import masked_output
from executor.engine.llm.base import ModelError
from executor.engine.llm.clients import OPENAI_PROTOCOLS, Protocol
from executor.engine.llm.openai_protocol import without_path
from executor.errors import ConnectionInvalid
from executor.following import pubsub
from executor.language_models.connections import ConnectionModel
from executor.language_models.provider import installation_models
from executor.language_models.trial import TRY_SECONDS, ask_in_each_way
from executor.models import ModelConnection
from executor.models.connection import HOSTED, MAX_CHARACTERS, check_api_key
from executor.running.worker import process_loop

logger = logging.getLogger(__name__)

# The loop may be busy; a page waits no longer than this for its turn.
GRACE_SECONDS = 5.0

ELSEWHERE = (
    "The stored key belongs to the address it was typed for. Type the key for this one, or remove "
    "the stored one."
)


# Who may change people's rights is an administrator: nobody else opens the inner network.
ADMINISTERS = "auth.change_user"


def save_connection(
    *,
    connection: ModelConnection,
    new_key: str = "",
    remove_key: bool = False,
    caller: Caller = SYSTEM,
) -> None:
    """Write the connection; without a new key it keeps the one it has.

    An address that is not an administrator's is asked through the guarded client, from now on.
    Every process of the installation follows within seconds. Raises ConnectionInvalid, RowGone.
    """
    with transaction.atomic():
        rows = ModelConnection.objects.all()
        # Saving would bring back one that was deleted in the meantime.
        kept = lock_row(rows, connection.pk) if connection.pk else None
        if kept is None or _address(kept) != _address(connection):
            _judge_address(connection, caller)
        if connection.provider in OPENAI_PROTOCOLS:
            # Many an address is copied with the path of a call.
            connection.base_url = without_path(connection.base_url)
        _set_key(connection, kept, new_key.strip(), remove=remove_key)
        if kept is None or _facts(kept) != _facts(connection) or new_key or remove_key:
            connection.tested_at, connection.test_passed = None, None
            connection.test_sentence = ""
        connection.save()
        transaction.on_commit(installation_models().connections.forget)
        # Others learn at once what to mask.
        transaction.on_commit(pubsub.invalidate_caches)


def _judge_address(connection: ModelConnection, caller: Caller) -> None:
    connection.is_guarded = not caller.may(ADMINISTERS)
    if connection.is_guarded and connection.base_url:
        try:
            check_url(connection.base_url, settings.ENVIRONMENT.egress_allow)
        except AddressRefused as error:
            raise ConnectionInvalid({"base_url": [str(error)]}) from error


def _set_key(
    connection: ModelConnection, kept: ModelConnection | None, new_key: str, *, remove: bool
) -> None:
    if new_key and remove:
        raise _refused("Type a new key or remove the stored one, not both.")
    if new_key:
        try:
            check_api_key(new_key)
        except ValidationError as error:
            raise _refused(" ".join(error.messages)) from error
        connection.api_key = new_key
    elif remove or kept is None:
        connection.api_key = ""
    else:
        connection.api_key = kept.api_key
        if kept.api_key and _address(kept) != _address(connection):
            # Whoever may change an address would else have the key sent to one of their own.
            raise _refused(ELSEWHERE)
    if not connection.api_key and connection.provider in HOSTED:
        label = connection.get_provider_display()
        raise _refused(f"{label} answers nobody without a key.")


def _refused(sentence: str) -> ConnectionInvalid:
    return ConnectionInvalid({"new_key": [sentence]})


def _address(connection: ModelConnection) -> tuple[str, str]:
    return connection.provider, connection.base_url


def _facts(connection: ModelConnection) -> tuple[object, ...]:
    """What an earlier test was about."""
    return (*_address(connection), connection.default_model, connection.name)


@dataclass(frozen=True)
class Tried:
    """How a test ended, in a sentence; `takes` are the connection's fields that it found out."""

    passed: bool
    sentence: str
    takes: dict[str, bool] = field(default_factory=dict)


def try_connection(*, connection: ModelConnection) -> Tried:
    """Ask a short question in the ways that designs do, and keep how it ended and what the server
    does without. It takes up to 20 seconds, so not inside a transaction.
    """
    tried = _tried(connection)
    ModelConnection.objects.filter(pk=connection.pk).update(
        tested_at=timezone.now(),
        test_passed=tried.passed,
        test_sentence=masked_output(tried.sentence)[:MAX_CHARACTERS],
        **tried.takes,
    )
    installation_models().connections.forget()
    return tried


def _tried(connection: ModelConnection) -> Tried:
    name = connection.name
    try:
        model = installation_models().resolve(name)
        asking = ask_in_each_way(cast(ConnectionModel, model), cast(Protocol, connection.provider))
        future = asyncio.run_coroutine_threadsafe(asking, process_loop())
        found = future.result(timeout=TRY_SECONDS + GRACE_SECONDS)
    except ModelError as error:
        said = error.message if name in error.message else f"{name}: {error.message}"
        return Tried(False, f"{said} The address was {error.address}" if error.address else said)
    except TimeoutError:
        return Tried(False, f"{name}: there was no answer within {TRY_SECONDS:g} seconds.")
    except Exception:
        logger.exception("The test of the model connection %s failed.", name)
        return Tried(False, "The answer could not be understood; the server's log says more.")
    return Tried(True, found.sentence, found.takes)
