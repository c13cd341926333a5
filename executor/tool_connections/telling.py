"""Tells all processes that connections or tools have changed."""

from django.db import transaction

from executor.following import pubsub
from executor.tool_connections.books import books


def tell_processes() -> None:
    """After the commit: calls use the change, and new secrets are masked, within moments."""
    transaction.on_commit(books().expire)
    transaction.on_commit(pubsub.invalidate_caches)
