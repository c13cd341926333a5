"""Tells whoever follows drafts that one was written. Designs do not know how it is passed on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

from django.db import transaction

# Called after the commit, with the design's id.
on_written: list[Callable[[uuid.UUID], None]] = []


def tell_after_commit(design_id: uuid.UUID) -> None:
    for tell in on_written:
        transaction.on_commit(partial(tell, design_id), robust=True)
