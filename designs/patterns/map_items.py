"""Map: plays a design or one block for each item of a list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.fixes import fix, set_value
from designs.graph.labels import shown
from designs.graph.nesting import Body
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import BlockFailed, BlockOutput, NestedFailed, Pattern, RunContext
from designs.patterns.bodies import UNUSED, PlayedBody, check_body
from designs.patterns.shapes import ANY, LIST, object_with
from designs.patterns.subdesign import what_it_gets

MAX_ITEMS = 10_000
MAX_AT_ONCE = 64
# Losses that the reason names one by one.
NAMED = 5
REASON_CHARACTERS = 300


class MapSettings(PlayedBody):
    """The list, what is played for each of its items, and what a failure means."""

    items: str = Field(
        default="incoming",
        min_length=1,
        title="Items",
        description="A JMESPath expression whose value is the list.",
        json_schema_extra=shown(kind="expression", help="As in `input.tickets`."),
    )
    max_concurrency: int = Field(
        default=8,
        ge=1,
        le=MAX_AT_ONCE,
        title="Played at once",
        description="Most items that are played at the same time.",
    )
    most_items: int = Field(
        default=1_000,
        ge=1,
        le=MAX_ITEMS,
        title="Most items",
        description="A longer list fails the block before any of its items is played.",
    )
    on_item_error: Literal["fail", "keep", "drop"] = Field(
        default="fail",
        title="If an item fails",
        description=(
            "`fail`: the block fails. `keep`: its result is null. `drop`: it has no result. With "
            "`keep` and `drop` the run is degraded."
        ),
        json_schema_extra=shown(
            choices={"fail": "the block fails", "keep": "null in its place", "drop": "leave it out"}
        ),
    )
    require: Literal["all"] | Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        title="Results needed",
        description=(
            "How many items must have a result: `all`, or a number. With fewer the block fails. "
            "Empty: all if `on_item_error` is `fail`, else any number."
        ),
        json_schema_extra=shown(
            choices={"all": "all", "number": "at least"}, help="With fewer the block fails."
        ),
    )


class Map(Pattern[MapSettings]):
    """The output is `{results, failed, total}`, the results in the order of the items."""

    type = "map"
    label = "Map"
    summary = "Plays a design, or one block, for each item of a list, many at once."
    settings_type = MapSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    new_settings = {
        "items": "incoming",
        "block": {"type": "transform", "settings": {"expression": "input.item"}},
    }
    unused_fields = UNUSED
    output = object_with(results=LIST, failed=LIST, total=ANY)

    def sources(self, settings: MapSettings) -> Iterable[Source]:
        yield Source("/settings/items", settings.items, is_template=False)

    def check(self, block: Block, settings: MapSettings) -> Iterable[Problem]:
        yield from check_body(block, settings, "map")
        if isinstance(settings.require, int) and settings.on_item_error == "fail":
            yield Problem(
                "/settings/require",
                "With `on_item_error` `fail` every item must have a result. Use `keep` or `drop`.",
                fix("Use `keep`", set_value("/settings/on_item_error", "keep")),
            )

    def body(self, settings: MapSettings) -> Body | None:
        return settings.body

    def most_plays(self, settings: MapSettings) -> int:
        return settings.most_items

    def most_calls(self, block: Block, settings: MapSettings) -> Iterable[Questions]:
        return ()

    async def run(self, block: Block, settings: MapSettings, context: RunContext) -> BlockOutput:
        items = _items(await what_it_gets(settings.items, context), settings)
        played = _Items(items, settings, context)
        await played.play()
        lost = sorted(played.lost.items())
        needed = settings.require
        if needed == "all":
            needed = len(items)
        if needed is not None and len(items) - len(lost) < min(needed, len(items)):
            have = len(items) - len(lost)
            raise BlockFailed(
                f"{have:,} of {len(items):,} items have a result and {needed:,} are needed: "
                f"{_named(lost)}"
            )
        if lost:
            verb = "has" if len(lost) == 1 else "have"
            context.degrade(
                f"{len(lost):,} of {len(items):,} items {verb} no result: {_named(lost)}"
            )
        results = played.results
        if settings.on_item_error == "drop":
            results = [value for index, value in enumerate(results) if index not in played.lost]
        failed = [{"index": index, "error": reason} for index, reason in lost]
        return BlockOutput({"results": results, "failed": failed, "total": len(items)})


def _items(value: Any, settings: MapSettings) -> list[Any]:
    if not isinstance(value, list):
        kind = "nothing" if value is None else f"no list but {_kind(value)}"
        raise BlockFailed(f"`{settings.items}` is {kind}; name a list.")
    if len(value) > settings.most_items:
        raise BlockFailed(
            f"`{settings.items}` has {len(value):,} items; `most_items` allows "
            f"{settings.most_items:,}. Raise it, or give a shorter list."
        )
    return value


def _kind(value: Any) -> str:
    kinds = ((str, "text"), (bool, "true or false"), (int | float, "a number"), (dict, "an object"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "another value")


def _named(lost: list[tuple[int, str]]) -> str:
    texts = [f"item {index}: {reason[:REASON_CHARACTERS]}" for index, reason in lost[:NAMED]]
    more = len(lost) - NAMED
    return " ".join(texts) + (f" And {more:,} more." if more > 0 else "")


class _Items:
    """The items of one map as they are played: each by the worker that is free first."""

    def __init__(self, items: list[Any], settings: MapSettings, context: RunContext) -> None:
        self.results: list[Any] = [None] * len(items)
        self.lost: dict[int, str] = {}
        self._items = items
        self._keeps = settings.on_item_error != "fail"
        self._at_once = min(settings.max_concurrency, len(items))
        self._context = context
        self._done = 0

    async def play(self) -> None:
        self._tell()
        left = iter(enumerate(self._items))
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._work(left))

    async def _work(self, left: Iterator[tuple[int, Any]]) -> None:
        for index, item in left:
            try:
                self.results[index] = await self._play(index, item)
            except NestedFailed as failed:
                if not self._keeps:
                    raise
                self.lost[index] = failed.reason
            self._done += 1
            self._tell()

    async def _play(self, index: int, item: Any) -> Any:
        given = {"item": item, "index": index}
        return await self._context.play(given, number=index, where=f"item {index}")

    def _tell(self) -> None:
        self._context.tell(self._done - len(self.lost), len(self.lost), len(self._items))
