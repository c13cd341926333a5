"""Routing: a router picks specialists of its block or, without any, outgoing connections."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from designs.graph.bounds import Choice, Questions
from designs.graph.fixes import fix, other_role, remove_value, set_value
from designs.graph.labels import shown
from designs.graph.report import excerpt
from designs.graph.spec import Agent, Block, Connection, Fix, Problem
from designs.graph.structure import Meaning, meaning_of
from designs.patterns.base import (
    BlockFailed,
    BlockOutput,
    Part,
    Pattern,
    RunContext,
    Settings,
)
from designs.patterns.members import ask_all
from designs.patterns.prompts import (
    ABOUT_CHARACTERS,
    about_agent,
    cut,
    delivered,
    display_name,
    free_answer,
    instruction,
    outline_of,
    render_task,
)
from designs.patterns.shapes import (
    ANY,
    BY_AGENT,
    LIST,
    TEXT,
    answer_of,
    case,
    object_with,
    with_cases,
)
from designs.patterns.structured import (
    Schema,
    entries_of,
    field_of,
    list_of,
    listed,
    object_of,
    one_of,
    quoted,
    text,
    text_of,
)

AT_ONCE = 8
# Names that a wrong one is compared with, and their characters.
MAX_COMPARED = 64
# Characters that are quoted of an answer that is not JSON.
BEGINNING_CHARACTERS = 60


class RoutingSettings(Settings):
    """The number of routes, and the default if the router makes no valid choice."""

    mode: Literal["single", "multi"] = Field(
        default="single",
        title="The router picks",
        description="`single`: exactly one route is taken. `multi`: up to `max_routes` are.",
        json_schema_extra=shown(choices={"single": "one route", "multi": "several"}, help=""),
    )
    max_routes: int = Field(
        default=1,
        ge=1,
        le=50,
        title="Max routes",
        description="Most routes taken at once, with `multi`.",
        json_schema_extra=shown(when="/settings/mode=multi", help=""),
    )
    default_route: str | None = Field(
        default=None,
        min_length=1,
        title="Route if unsure",
        description=(
            "The route taken if the router names none that there is: a specialist's id, or the "
            "name of an outgoing route. Empty: the block fails then."
        ),
        json_schema_extra=shown(
            kind="choice",
            options="routes",
            empty="none: the block fails",
            help="Taken if the router names no route that exists.",
        ),
    )


class Routing(Pattern[RoutingSettings]):
    """The output is the specialist's answer (by specialist with `multi`), or the routed input."""

    type = "routing"
    label = "Routing"
    summary = "A router picks the specialists that answer, or the connections that are taken."
    settings_type = RoutingSettings
    roles = frozenset({"manager", "moderator", "specialist", "worker"})
    chooses_routes = True
    new_agents = (
        Agent(
            id="router",
            name="Router",
            role="moderator",
            system_prompt="You read the request and pick who is to answer it.",
        ),
        Agent(
            id="billing",
            name="Billing",
            role="specialist",
            system_prompt="You answer questions about invoices, payments, refunds and prices.",
        ),
        Agent(
            id="technical",
            name="Technical",
            role="specialist",
            system_prompt="You answer questions about errors, settings and whatever does not work.",
        ),
    )
    default_role = "specialist"
    role_words = {
        "manager": "answers if picked",
        "worker": "answers if picked",
        "specialist": "answers if picked",
        "moderator": "picks the route",
    }
    output = with_cases(
        answer_of("any"),
        case(object_with(input=ANY, route=TEXT, reason=TEXT), agents=[0, 1], mode=["single"]),
        case(object_with(input=ANY, route=LIST, reason=TEXT), agents=[0, 1], mode=["multi"]),
        case(BY_AGENT, mode=["multi"]),
    )

    def answers_freely(self, block: Block, settings: RoutingSettings) -> Collection[str]:
        router = router_of(block) if block.agents else None
        return [agent.id for agent in block.agents if agent is not router]

    def check(self, block: Block, settings: RoutingSettings) -> Iterable[Problem]:
        for place, agent in enumerate(block.agents):
            router = router_of(block)
            if agent.role == "moderator" and agent is not router:
                yield Problem(
                    f"/agents/{place}/role",
                    f"`{router.id}` routes already. Give this agent another role.",
                    other_role(block, agent, "specialist"),
                )
        if settings.mode == "single" and settings.max_routes > 1:
            yield Problem(
                "/settings/max_routes",
                "With `single` one route is taken. Use the mode `multi`, or remove `max_routes`.",
                fix("Remove `max_routes`", remove_value("/settings/max_routes")),
            )

    def check_outgoing(
        self,
        block: Block,
        settings: RoutingSettings,
        path: str,
        outgoing: Mapping[str, Connection],
    ) -> Iterable[Problem]:
        specialists = [agent.id for agent in block.agents if agent is not router_of(block)]
        routes = specialists or list(outgoing_routes(outgoing.values()))
        if not routes and block.agents:
            yield Problem(
                f"{path}/agents",
                "There is nothing to choose from. Add specialists, or connect this block on.",
            )
        default = settings.default_route
        if routes and default is not None and default not in routes:
            yield Problem(
                f"{path}/settings/default_route",
                f"There is no route `{excerpt(default)}`. Use {listed(routes)}.",
                _nearest_route(f"{path}/settings/default_route", default, routes),
            )
        chosen = [place for place, c in outgoing.items() if route_of(c) in routes]
        if specialists:
            meanings = {meaning_of(connection) for connection in outgoing.values()}
            for place, connection in outgoing.items():
                if connection.route is not None and connection.route not in specialists:
                    yield Problem(
                        f"{place}/route",
                        f"The routes of `{connection.source}` are its specialists: "
                        f"{listed(specialists)}. Use one of them, or remove `route`: "
                        "the connection is then always taken.",
                        _other_route(f"{place}/route", connection, specialists, meanings),
                    )
        if chosen and block.on_error == "default":
            yield Problem(
                f"{path}/on_error",
                "A default value chooses no route, so all would be taken. "
                "Use the setting `default_route`, or `fail` or `continue` here.",
                fix(
                    "Fail the run instead",
                    set_value(f"{path}/on_error", "fail"),
                    remove_value(f"{path}/default"),
                )
                if block.default is not None
                else fix("Fail the run instead", set_value(f"{path}/on_error", "fail")),
            )

    def most_calls(self, block: Block, settings: RoutingSettings) -> Iterable[Questions]:
        router = router_of(block)
        specialists = [agent for agent in block.agents if agent is not router]
        yield Questions([router])
        yield Questions(specialists, min(_most_routes(settings), len(specialists)))

    def choice(
        self, block: Block, settings: RoutingSettings, outgoing: Collection[Connection]
    ) -> Choice | None:
        specialists = {agent.id for agent in block.agents if agent is not router_of(block)}
        routes = {
            route: connections
            for route, connections in outgoing_routes(outgoing).items()
            if not specialists or route in specialists
        }
        return Choice(routes, _most_routes(settings)) if routes else None

    async def run(
        self, block: Block, settings: RoutingSettings, context: RunContext
    ) -> BlockOutput:
        router = router_of(block)
        specialists = [agent for agent in block.agents if agent is not router]
        outgoing = [c for c in context.graph.connections if c.source == block.id]
        task = render_task(block, context)
        if specialists:
            about = {agent.id: about_agent(agent) for agent in specialists}
        else:
            about = _about_targets(outgoing, context)
        choice = await _choose(router, settings, context, task, about)
        if not specialists:
            arrived = context.evaluate("incoming")
            routed = {
                "input": context.evaluate("input") if arrived is None else arrived,
                "route": choice.routes[0] if settings.mode == "single" else list(choice.routes),
                "reason": choice.reason,
            }
            routes = frozenset(choice.routes)
            return BlockOutput(routed, by_agent={router.id: routed}, routes=routes)
        picked = [agent for agent in specialists if agent.id in choice.routes]
        answers = await _answers(picked, context, task)
        # Connections whose route is not a specialist are always taken.
        free = {route_of(c) for c in outgoing} - set(about)
        value = answers if settings.mode == "multi" else answers[picked[0].id]
        return BlockOutput(value, by_agent=answers, routes=frozenset({*choice.routes, *free}))


@dataclass(frozen=True, slots=True)
class _Choice:
    routes: tuple[str, ...]
    reason: str


def _nearest_route(place: str, name: str, routes: Sequence[str]) -> Fix | None:
    """The route that was probably meant: one with a similar name, or the only one."""
    known = [route for route in routes if len(route) <= MAX_COMPARED][:MAX_COMPARED]
    similar = difflib.get_close_matches(excerpt(name), known, n=1)
    meant = similar or (routes if len(routes) == 1 else [])
    return fix(f"Use `{excerpt(meant[0])}`", set_value(place, meant[0])) if meant else None


def _other_route(
    place: str,
    connection: Connection,
    specialists: Sequence[str],
    meanings: Collection[Meaning],
) -> Fix | None:
    """The route of a specialist whose name begins alike, else none; not as another connection.

    There may be thousands of connections, so that names are not compared letter by letter.
    """
    wrong = (connection.route or "").casefold()
    alike = [name for name in specialists if name.startswith(wrong) or wrong.startswith(name)]
    route = alike[0] if len(alike) == 1 else None
    if meaning_of(connection.model_copy(update={"route": route})) in meanings:
        return None
    if route is None:
        return fix("Remove the route", remove_value(place))
    return fix(f"Use `{route}`", set_value(place, route))


def _most_routes(settings: RoutingSettings) -> int:
    return 1 if settings.mode == "single" else settings.max_routes


def router_of(block: Block) -> Agent:
    """The first moderator, else the first agent."""
    return next((agent for agent in block.agents if agent.role == "moderator"), block.agents[0])


def route_of(connection: Connection) -> str:
    return connection.route or connection.target


def outgoing_routes(outgoing: Iterable[Connection]) -> dict[str, list[Connection]]:
    """Connections by route, both in the document's order."""
    routes: dict[str, list[Connection]] = {}
    for connection in outgoing:
        routes.setdefault(route_of(connection), []).append(connection)
    return routes


def _about_targets(outgoing: Iterable[Connection], context: RunContext) -> dict[str, str]:
    """Describes each outgoing route by the labels and tasks of its blocks."""
    blocks = {block.id: block for block in context.graph.blocks}
    about: dict[str, str] = {}
    for route, connections in outgoing_routes(outgoing).items():
        targets = dict.fromkeys(connection.target for connection in connections)
        words = [
            f"{blocks[name].label or name}. {outline_of(blocks[name].task)}" for name in targets
        ]
        about[route] = cut(" ".join(words), ABOUT_CHARACTERS)
    return about


async def _choose(
    router: Agent,
    settings: RoutingSettings,
    context: RunContext,
    task: list[Part],
    about: Mapping[str, str],
) -> _Choice:
    """The routes to take. Raises BlockFailed if none is valid and there is no default."""
    single = settings.mode == "single"
    most = min(_most_routes(settings), len(about))
    wanted, schema = _question(about, None if single else most)
    answer = await context.ask(
        router,
        [
            *task,
            *delivered(router, context),
            Part("Routes", dict(about)),
            instruction(wanted),
        ],
        purpose="route",
        schema=schema,
        lenient=True,
    )
    names = [field_of(answer.value, "route")] if single else entries_of(answer.value, "routes")
    named = list(dict.fromkeys(name for name in names if isinstance(name, str) and name))
    valid = [name for name in named if name in about]
    invalid = ", ".join(quoted(name) for name in named if name not in about)
    who = display_name(router)
    if valid:
        if invalid:
            context.degrade(f"{who} chose routes that do not exist: {invalid}.")
        if dropped := valid[most:]:
            context.degrade(f"{who} may choose {most}; left out: {listed(dropped)}.")
        routes = tuple(route for route in about if route in valid[:most])
        return _Choice(routes, text_of(answer.value, "reason"))
    chose = f"chose {invalid}" if invalid else "named no route"
    if answer.value is None:
        beginning = cut(answer.text, BEGINNING_CHARACTERS)
        chose = f'gave an answer that could not be read as JSON (it begins with "{beginning}")'
    if settings.default_route is None:
        raise BlockFailed(f"{who} {chose}. The valid routes are {listed(list(about))}.")
    sentence = f"{who} {chose}; the default route `{settings.default_route}` was taken."
    context.degrade(sentence)
    return _Choice((settings.default_route,), sentence)


def _question(routes: Iterable[str], most: int | None) -> tuple[str, Schema]:
    """The instruction and the schema: for one route, or for up to `most` routes."""
    name = one_of(routes)
    if most is None:
        wanted = "Choose the one route that fits best, by its name. Say why in one sentence."
        return wanted, object_of(reason=text(), route=name)
    wanted = f"Choose each route that fits, by its name, at most {most}. Say why in one sentence."
    return wanted, object_of(reason=text(), routes=list_of(name, least=1, most=most))


async def _answers(
    specialists: Sequence[Agent], context: RunContext, task: list[Part]
) -> dict[str, Any]:
    async def ask(agent: Agent) -> Any:
        parts = [*task, *delivered(agent, context)]
        return await free_answer(context, agent, parts, purpose="answer")

    gathered = await ask_all(specialists, ask, needed=len(specialists), at_once=AT_ONCE)
    return gathered.answers
