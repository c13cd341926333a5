"""Numbers come back from every database as they were written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design, publish_design
from executor.models import Execution
from tests.documents import doubling

NUMBERS = [1e22, -1e300, 1.5, 0.0, 10**18, 2**63 - 1, -(2**63), 9.3e18, True]

pytestmark = pytest.mark.django_db


def test_an_input_keeps_its_kinds_of_numbers(queue: Callable[..., Execution]) -> None:
    execution = queue(input_data={"numbers": NUMBERS})
    assert repr(execution.input_data["numbers"]) == repr(NUMBERS)


def test_a_design_with_huge_numbers_can_be_published() -> None:
    document = doubling()
    document["blocks"][0].update(on_error="default", default=NUMBERS)
    design = create_design(document=document, caller=SYSTEM)
    read = Design.objects.get(pk=design.pk)
    assert repr(read.draft["blocks"][0]["default"]) == repr(NUMBERS)
    assert publish_design(design=read, caller=SYSTEM).number == 1
