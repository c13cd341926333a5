"""Reads in the background what each process must know of all model connections: their keys, so
that it masks even those it never uses, and which one is the default.
"""

from __future__ import annotations

import logging
import threading

from django.db import Error as DatabaseError
from django.db import connection

from designs.runtime.background import forever
from designs.secrets.encryption import SecretUnreadable, prepare_keys
from executor.following import pubsub
from executor.language_models.chosen_default import learn_default
from executor.models import ModelConnection

logger = logging.getLogger(__name__)

# A fallback: without a broker no changes are published.
AGAIN_SECONDS = 60.0

_changed = threading.Event()
_opened: set[str] = set()


def learn_keys() -> None:
    """Read all keys and decrypt the new ones; from then on they are masked."""
    prepare_keys()
    for row in ModelConnection.objects.only("api_key"):
        secret = row.api_key
        if not secret or secret.token in _opened:
            continue
        try:
            secret.reveal()
        except SecretUnreadable as error:
            logger.debug("A key of a model connection is not masked: %s", error)
        else:
            _opened.add(secret.token)


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
        logger.debug("The model connections could not be read: %s", error)
    finally:
        connection.close()
    _changed.wait(AGAIN_SECONDS)
