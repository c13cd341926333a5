"""How many calls of deployments a web process has under way at most; more are refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from deployments.errors import Overloaded

_under_way = 0


@contextmanager
def place_for_call() -> Iterator[None]:
    """Hold a place while a call is answered. Raises Overloaded when none is free: more calls than
    the machine can handle only make all of them slower.
    """
    global _under_way  # noqa: PLW0603 - counted on the process's one event loop
    if _under_way >= settings.ENVIRONMENT.most_calls:
        raise Overloaded(
            "Too many calls are under way here. Try again in some seconds, or send fewer at once."
        )
    _under_way += 1
    try:
        yield
    finally:
        _under_way -= 1
