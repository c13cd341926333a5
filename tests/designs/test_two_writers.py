"""Two who save the same draft at the same moment: one is written, the other hears of it."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from django.db import connection

from designs.access import SYSTEM
from designs.errors import DraftChanged
from designs.models import Design
from designs.services import change_draft, create_design
from tests.documents import doubling

WRITERS = 4
ROUNDS = 5


@pytest.mark.django_db(transaction=True)
def test_of_writers_at_once_exactly_one_is_first() -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    together = threading.Barrier(WRITERS, timeout=60)
    written: list[tuple[int, int]] = []
    refused: list[tuple[int, int]] = []

    def write(writer: int) -> None:
        with closing(connection):
            copy = Design.objects.get(pk=design.pk)
            for revision in range(1, ROUNDS + 1):
                document = {**doubling(), "description": f"{revision}: {writer}"}
                given = {"document": document, "revisions": {revision}}
                together.wait()
                try:
                    change_draft(design=copy, caller=SYSTEM, **given)
                    written.append((revision, writer))
                except DraftChanged as stale:
                    refused.append((revision, stale.revision))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [revision for revision, _ in written] == [1, 2, 3, 4, 5]
    assert sorted(refused) == sorted((n, n + 1) for n in range(1, 6) for _ in range(WRITERS - 1))
    stored = Design.objects.get(pk=design.pk)
    assert stored.revision == ROUNDS + 1
    assert stored.description == f"{ROUNDS}: {written[-1][1]}"


@pytest.mark.django_db(transaction=True)
def test_writes_without_a_revision_are_all_counted() -> None:
    design = create_design(document=doubling(), caller=SYSTEM)

    def write() -> None:
        with closing(connection):
            copy = Design.objects.get(pk=design.pk)
            for _ in range(ROUNDS):
                change_draft(design=copy, name="Again", caller=SYSTEM)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Design.objects.get(pk=design.pk).revision == 1 + WRITERS * ROUNDS
