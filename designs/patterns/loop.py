"""Loop: plays a design or one block again and again, each time with what it gave before."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.expressions import is_truthy
from designs.graph.labels import shown
from designs.graph.nesting import Body
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import BlockOutput, Pattern, RunContext
from designs.patterns.bodies import UNUSED, PlayedBody, check_body
from designs.patterns.shapes import ANY, object_with
from designs.patterns.subdesign import what_it_gets

NAMES = ("output", "round")


class LoopSettings(PlayedBody):
    """What is played, where it begins, and when it has done enough."""

    start: str = Field(
        default="incoming",
        min_length=1,
        title="Begins with",
        description="A JMESPath expression; its value is the state of the first round.",
        json_schema_extra=shown(
            kind="expression",
            help="The state of the first round. Later ones get the output of the round before.",
        ),
    )
    until: str = Field(
        min_length=1,
        title="Until",
        description=(
            "A JMESPath expression over `output` and `round`, computed after each round: once it "
            "is true, no other follows."
        ),
        json_schema_extra=shown(kind="expression", help="As in ``output.score >= `90` ``."),
    )
    max_rounds: int = Field(
        default=5,
        ge=1,
        le=50,
        title="Most rounds",
        description="After these the block ends as it is, and the run is degraded.",
    )


class Loop(Pattern[LoopSettings]):
    """The output is `{state, rounds, reached}`: the last round's output, and if `until` held."""

    type = "loop"
    label = "Loop"
    summary = "Plays a design, or one block, again with its own output until a condition holds."
    settings_type = LoopSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    new_settings = {
        "block": {"type": "transform", "settings": {"expression": "input.state"}},
        "until": "round >= `3`",
    }
    unused_fields = UNUSED
    output = object_with(state=ANY, rounds=ANY, reached=ANY)

    def sources(self, settings: LoopSettings) -> Iterable[Source]:
        yield Source("/settings/start", settings.start, is_template=False)
        yield Source("/settings/until", settings.until, is_template=False, names=NAMES)

    def check(self, block: Block, settings: LoopSettings) -> Iterable[Problem]:
        yield from check_body(block, settings, "loop")

    def body(self, settings: LoopSettings) -> Body | None:
        return settings.body

    def most_plays(self, settings: LoopSettings) -> int:
        return settings.max_rounds

    def most_calls(self, block: Block, settings: LoopSettings) -> Iterable[Questions]:
        return ()

    async def run(self, block: Block, settings: LoopSettings, context: RunContext) -> BlockOutput:
        state = await what_it_gets(settings.start, context)
        for number in range(1, settings.max_rounds + 1):
            given = {"state": state, "round": number}
            state = await context.play(given, number=number, where=f"round {number}")
            context.tell(number, 0, settings.max_rounds)
            until = await context.compute(settings.until, {"output": state, "round": number})
            if is_truthy(until):
                return BlockOutput({"state": state, "rounds": number, "reached": True})
        rounds = "round" if settings.max_rounds == 1 else "rounds"
        context.degrade(
            f"After {settings.max_rounds} {rounds} its condition ({settings.until}) does not hold; "
            "the last output was taken."
        )
        return BlockOutput({"state": state, "rounds": settings.max_rounds, "reached": False})
