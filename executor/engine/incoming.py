"""What designs call `incoming`, made of what a block's connections delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from designs.patterns.base import Delivery


def incoming_value(deliveries: Sequence[Delivery]) -> Any:
    """What designs call `incoming`: null, one delivery's value, or several as an object by source.

    A source that delivered through several connections stands there with the value of its block
    connection, or else with an object by its agents.
    """
    if not deliveries:
        return None
    if len(deliveries) == 1:
        return deliveries[0].value
    by_source: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_source.setdefault(delivery.source, []).append(delivery)
    return {source: _joined(found) for source, found in by_source.items()}


def _joined(found: Sequence[Delivery]) -> Any:
    whole = next((delivery for delivery in found if delivery.source_agent is None), None)
    if whole is not None:
        return whole.value
    if len(found) == 1:
        return found[0].value
    return {delivery.source_agent: delivery.value for delivery in found}
