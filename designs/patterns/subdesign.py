"""Subdesign: plays another design as a part of the run."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.labels import shown
from designs.graph.nesting import Body
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import BlockOutput, Pattern, RunContext
from designs.patterns.bodies import UNUSED, NamedDesign, check_body
from designs.patterns.shapes import ANY

WHAT_ARRIVES = "incoming"


class SubdesignSettings(NamedDesign):
    """Which design is played, and what it gets as its input."""

    input: str = Field(
        default=WHAT_ARRIVES,
        min_length=1,
        title="Its input",
        description="A JMESPath expression; its value, an object, is the input of the design.",
        json_schema_extra=shown(
            kind="expression",
            help="As in `{message: incoming}`. Without connections `incoming` is the run's input.",
        ),
    )


class Subdesign(Pattern[SubdesignSettings]):
    """The output is the design's result; if it fails, the block fails."""

    type = "subdesign"
    label = "Subdesign"
    summary = "Plays another design as a part of this one, with its own input and result."
    settings_type = SubdesignSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    # An example, which is to be replaced by a path that is there.
    new_settings = {"path": "/path/of/a/deployment"}
    unused_fields = UNUSED
    output = ANY

    def sources(self, settings: SubdesignSettings) -> Iterable[Source]:
        yield Source("/settings/input", settings.input, is_template=False)

    def check(self, block: Block, settings: SubdesignSettings) -> Iterable[Problem]:
        yield from check_body(block, settings, "subdesign")

    def body(self, settings: SubdesignSettings) -> Body | None:
        return settings.body

    def most_calls(self, block: Block, settings: SubdesignSettings) -> Iterable[Questions]:
        return ()

    async def run(
        self, block: Block, settings: SubdesignSettings, context: RunContext
    ) -> BlockOutput:
        value = await what_it_gets(settings.input, context)
        return BlockOutput(await context.play(value))


async def what_it_gets(expression: str, context: RunContext) -> object:
    """The expression's value; of `incoming` alone the run's input, if nothing is connected."""
    value = await context.compute(expression)
    if value is None and expression.strip() == WHAT_ARRIVES:
        return await context.compute("input")
    return value
