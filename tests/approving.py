"""Decisions for designs that ask people, and no time at all for those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from executor.engine.context import Timing

VOTE = {"user": "ana", "verdict": "approve", "reason": "Fine.", "at": "2026-01-01T00:00:00Z"}


class Everybody(dict[str, Mapping[str, Any]]):
    """Whatever is asked is approved; `answers` are what is filled in."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.decision = {"decision": "approved", "by": "ana", "votes": [VOTE], "answers": answers}

    def get(self, key: str, default: Any = None) -> Any:
        return self.decision


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


NO_TIME = Timing(sleep=_at_once, random=lambda: 0.0)
