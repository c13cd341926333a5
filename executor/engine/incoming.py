"""The value of `incoming` in a block's expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from designs.patterns.base import Delivery


def incoming_value(deliveries: Sequence[Delivery]) -> Any:
    """None, the value of the only delivery, or an object of several by source.

    A source that delivered through several connections has the value of its block connection
    there, or else an object by agent.
    """
    if not deliveries:
        return None
    if len(deliveries) == 1:
        return deliveries[0].value
    by_source: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_source.setdefault(delivery.source, []).append(delivery)
    values: dict[str, Any] = {}
    for source, group in by_source.items():
        of_block = [delivery for delivery in group if delivery.source_agent is None]
        if of_block or len(group) == 1:
            values[source] = (of_block or group)[0].value
        else:
            values[source] = {delivery.source_agent: delivery.value for delivery in group}
    return values
