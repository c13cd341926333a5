"""Services of model connections: save, delete and test one, or make it the default."""

from __future__ import annotations

import asyncio
import logging
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
from executor.language_models.chosen_default import learn_default
from executor.language_models.connection_models import ConnectionModel
from executor.language_models.probe import PROBE_SECONDS, ProbeResult, probe_model
from executor.language_models.registry import model_registry
from executor.models import ModelConnection
from executor.models.connection import HOSTED, MAX_CHARACTERS, check_api_key
from executor.running.worker import process_loop

logger = logging.getLogger(__name__)

# How much longer a page waits because the event loop may be busy.
GRACE_SECONDS = 5.0
KEY_OF_OTHER_ADDRESS = (
    "The stored key belongs to the address it was typed for. Type the key for this one, or remove "
    "the stored one."
)
DEFAULT_NEEDS_MODEL = (
    "Write which model is asked: this connection is the default of designs that name no model."
)

# The permission that makes an administrator; only administrators may open internal addresses.
ADMINISTRATION = "auth.change_user"


def save_connection(
    *,
    connection: ModelConnection,
    new_key: str = "",
    remove_key: bool = False,
    caller: Caller = SYSTEM,
) -> None:
    """Write the connection; without a new key it keeps the stored one.

    An address that is not set by an administrator may not lead to internal networks. Other
    processes use the change within seconds. Raises ConnectionInvalid, RowGone.
    """
    with transaction.atomic():
        rows = ModelConnection.objects.all()
        # Without the lock, saving would restore a row that was deleted meanwhile.
        stored = lock_row(rows, connection.pk) if connection.pk else None
        if stored is None or _address(stored) != _address(connection):
            connection.is_guarded = not caller.may(ADMINISTRATION)
            if connection.is_guarded and connection.base_url:
                try:
                    check_url(connection.base_url, settings.ENVIRONMENT.egress_allow)
                except AddressRefused as error:
                    raise ConnectionInvalid({"base_url": [str(error)]}) from error
        if connection.provider in OPENAI_PROTOCOLS:
            # People often copy an address together with the path of a call.
            connection.base_url = without_path(connection.base_url)
        _set_key(connection, stored, new_key.strip(), remove=remove_key)
        if stored is None or _tested(stored) != _tested(connection) or new_key or remove_key:
            connection.tested_at, connection.test_passed = None, None
            connection.test_sentence = ""
        # What is chosen as the default is chosen by `choose_default` alone.
        connection.is_default = bool(stored and stored.is_default)
        if connection.is_default and not connection.default_model:
            raise ConnectionInvalid({"default_model": [DEFAULT_NEEDS_MODEL]})
        connection.save()
        _tell_processes()


def _tell_processes() -> None:
    """After the commit: other processes must mask a new key, and know the default, at once."""
    transaction.on_commit(model_registry().connections.expire)
    transaction.on_commit(learn_default, robust=True)
    transaction.on_commit(pubsub.invalidate_caches)


def delete_connection(*, connection: ModelConnection) -> None:
    """Delete it; designs that name it fail from then on. Deleting twice does no harm."""
    with transaction.atomic():
        for row in ModelConnection.objects.select_for_update().filter(pk=connection.pk):
            row.delete()
        _tell_processes()


def choose_default(*, connection: ModelConnection) -> None:
    """Make this the model of all designs and agents that name none.

    Raises ConnectionInvalid if it is disabled or has no default model, RowGone.
    """
    with transaction.atomic():
        # All of them in one order, so that two people who choose at once wait for each other.
        rows = list(ModelConnection.objects.select_for_update().order_by("pk"))
        chosen = lock_row(ModelConnection.objects.all(), connection.pk)
        if not chosen.is_enabled:
            raise ConnectionInvalid({"": [f"{chosen} is disabled. Enable it first."]})
        if not chosen.default_model:
            raise ConnectionInvalid({"default_model": [DEFAULT_NEEDS_MODEL]})
        # The former one first: there is one default at most at any time.
        for row in sorted(rows, key=lambda row: not row.is_default):
            if row.is_default != (row.pk == chosen.pk):
                row.is_default = not row.is_default
                row.save(update_fields=["is_default", "updated_at"])
        _tell_processes()


def _set_key(
    connection: ModelConnection, stored: ModelConnection | None, new_key: str, *, remove: bool
) -> None:
    if new_key and remove:
        raise _refused("Type a new key or remove the stored one, not both.")
    if new_key:
        try:
            check_api_key(new_key)
        except ValidationError as error:
            raise _refused(" ".join(error.messages)) from error
        connection.api_key = new_key
    elif remove or stored is None:
        connection.api_key = ""
    else:
        connection.api_key = stored.api_key
        if stored.api_key and _address(stored) != _address(connection):
            # Else whoever may change the address could have the key sent to a server of theirs.
            raise _refused(KEY_OF_OTHER_ADDRESS)
    if not connection.api_key and connection.provider in HOSTED:
        label = connection.get_provider_display()
        raise _refused(f"{label} needs a key.")


def _refused(sentence: str) -> ConnectionInvalid:
    return ConnectionInvalid({"new_key": [sentence]})


def _address(connection: ModelConnection) -> tuple[str, str]:
    return connection.provider, connection.base_url


def _tested(connection: ModelConnection) -> tuple[object, ...]:
    """The values to which the result of a test applies."""
    return (*_address(connection), connection.default_model, connection.name)


def probe_connection(*, connection: ModelConnection) -> ProbeResult:
    """Ask a short question in the ways that designs do, and store the result and which features
    the server lacks. Takes up to 20 seconds, so call it outside of transactions.
    """
    name = connection.name
    try:
        model = model_registry().resolve(name)
        probe = probe_model(cast(ConnectionModel, model), cast(Protocol, connection.provider))
        future = asyncio.run_coroutine_threadsafe(probe, process_loop())
        result = future.result(timeout=PROBE_SECONDS + GRACE_SECONDS)
    except ModelError as error:
        sentence = error.message if name in error.message else f"{name}: {error.message}"
        if error.address:
            sentence = f"{sentence} The address was {error.address}"
        result = ProbeResult(False, sentence)
    except TimeoutError:
        result = ProbeResult(
            False, f"{name}: there was no answer within {PROBE_SECONDS:g} seconds."
        )
    except Exception:
        logger.exception("The test of the model connection %s failed.", name)
        result = ProbeResult(
            False, "The answer could not be understood; the server's log says more."
        )
    ModelConnection.objects.filter(pk=connection.pk).update(
        tested_at=timezone.now(),
        test_passed=result.passed,
        test_sentence=masked_output(result.sentence)[:MAX_CHARACTERS],
        **result.fields,
    )
    model_registry().connections.expire()
    return result
