"""Reads in the background what each process must know of all connections: their secrets, so that
it masks even those it never uses, and which model connection is the default.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connection

from designs.runtime.background import forever
from designs.secrets.encryption import Secret, SecretUnreadable, prepare_keys
from executor.following import pubsub
from executor.language_models.chosen_default import learn_default
from executor.models import ModelConnection, ToolConnection

logger = logging.getLogger(__name__)

# A fallback: without a broker no changes are published.
AGAIN_SECONDS = 60.0

_changed = threading.Event()
_opened: set[str] = set()


def learn_keys() -> None:
    """Read all secrets and decrypt the new ones; from then on they are masked."""
    prepare_keys()
    for model in ModelConnection.objects.only("api_key"):
        _open((model.api_key,), model.api_key.reveal)
    for server in ToolConnection.objects.only("secret", "headers"):
        _open((server.secret, server.headers), server.reveal_secrets)


def _open(secrets: tuple[Secret, ...], reveal: Callable[[], object]) -> None:
    tokens = {secret.token for secret in secrets if secret}
    if tokens <= _opened:
        return
    try:
        reveal()
    except SecretUnreadable as error:
        logger.debug("A secret of a connection is not masked: %s", error)
    else:
        _opened.update(tokens)


def start_key_masking() -> None:
    """Read keys and default in a daemon thread: now, after each change, and every minute."""
    pubsub.on_invalidate.append(_changed.set)
    forever("known secrets", _work)


def _work() -> None:
    _changed.clear()
    try:
        learn_default()
        learn_keys()
    except DatabaseError as error:
        logger.debug("The connections could not be read: %s", error)
    finally:
        connection.close()
    _changed.wait(AGAIN_SECONDS)
