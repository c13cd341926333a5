"""The model connection that people have chosen as the default of designs that name no model."""

from __future__ import annotations

import asyncio
import logging

from django.db import Error as DatabaseError

from executor.models import ModelConnection

logger = logging.getLogger(__name__)

# Not read yet, unlike None: read, and none is chosen. No connection has an empty name.
_UNREAD = ""
_name: str | None = _UNREAD


def learn_default() -> None:
    """Read which connection is the default one. Blocks."""
    chosen = ModelConnection.objects.filter(is_default=True, is_enabled=True)
    remember_default(chosen.values_list("name", flat=True).first())


def remember_default(name: str | None) -> None:
    """From now on this process takes it that this connection is the default, or that none is."""
    global _name  # noqa: PLW0603 - one value for each process
    _name = name


def forget_default() -> None:
    """Read it again when it is asked for next."""
    remember_default(_UNREAD)


def chosen_default() -> str | None:
    """The connection's name, or None if none is chosen or it is disabled.

    A process that has not read it yet reads it now, except on an event loop, which may not wait
    for rows: servers and workers read it when they start, and after each change.
    """
    if _name == _UNREAD and not _is_on_loop():
        try:
            learn_default()
        except DatabaseError as error:
            logger.warning("The default model connection could not be read: %s", error)
    return None if _name == _UNREAD else _name


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
