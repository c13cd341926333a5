"""Approval: people of a group decide, and the run waits for them without holding anything."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from designs.graph.bounds import Choice, Questions
from designs.graph.fixes import fix, remove_value, set_value
from designs.graph.labels import shown
from designs.graph.report import Report, excerpt
from designs.graph.schemas import check_schema
from designs.graph.spec import Block, Connection, Fix, Problem, Source, whole
from designs.graph.structure import meaning_of
from designs.json_text import to_json
from designs.patterns.base import (
    BlockFailed,
    BlockOutput,
    Need,
    Pattern,
    RunContext,
    Settings,
)
from designs.patterns.shapes import ANY, LIST, TEXT, object_with
from designs.patterns.structured import listed
from designs.patterns.subdesign import what_it_gets

ROUTES = ("approved", "rejected", "timed_out")
MAX_REQUIRED = 20
MAX_SECONDS = 2_592_000
MAX_QUESTION = 10_000


class ApprovalSettings(Settings):
    """Who is asked what, and what comes of it if nobody answers."""

    group: str = Field(
        min_length=1,
        max_length=150,
        title="Group",
        description="The name of the group whose members decide.",
        json_schema_extra=shown(help="Its members find the request on the page Requests."),
    )
    required: Annotated[int, BeforeValidator(whole)] = Field(
        default=1,
        ge=1,
        le=MAX_REQUIRED,
        title="Approvals needed",
        description="So many members must approve; one rejection rejects.",
        json_schema_extra=shown(help="One rejection rejects."),
    )
    question: str = Field(
        min_length=1,
        max_length=MAX_QUESTION,
        title="Question",
        description="What they decide, with `{{ expression }}` in it.",
        json_schema_extra=shown(kind="template", help="Type `{{` for what this block can read."),
    )
    show: str = Field(
        default="incoming",
        min_length=1,
        title="Shown with it",
        description="A JMESPath expression; its value is shown below the question.",
        json_schema_extra=shown(kind="expression", help="`incoming` is what arrives here."),
    )
    form: dict[str, Any] | None = Field(
        default=None,
        title="Form",
        description="A JSON schema of an object that each approving member fills in; the last "
        "one's answers count.",
        json_schema_extra=shown(kind="json", empty="none", help=""),
    )
    reason: Literal["required", "optional"] = Field(
        default="required",
        title="A reason is",
        description="Whether a vote needs a reason.",
        json_schema_extra=shown(choices={"required": "required", "optional": "optional"}, help=""),
    )
    allow_self: bool = Field(
        default=False,
        title="Whoever started the run may decide",
        description="Whether the person who started the run may decide, too.",
        json_schema_extra=shown(help=""),
    )
    timeout_seconds: float = Field(
        default=259_200,
        ge=1,
        le=MAX_SECONDS,
        title="Waits at most (s)",
        description="After so many seconds `on_timeout` says what comes of it.",
        json_schema_extra=shown(help="259,200 seconds are three days."),
    )
    on_timeout: Literal["timed_out", "reject", "fail"] = Field(
        default="timed_out",
        title="Then",
        description="`timed_out`: the route of that name is taken; `reject`: as if rejected; "
        "`fail`: the block fails.",
        json_schema_extra=shown(
            choices={
                "timed_out": "take the route timed_out",
                "reject": "count as rejected",
                "fail": "fail the block",
            },
            help="",
        ),
    )


class Approval(Pattern[ApprovalSettings]):
    """The output is `{decision, votes, answers}`; connections are taken by the decision."""

    type = "approval"
    label = "Approval"
    summary = "Asks people of a group, and waits for their votes. No agents, no model."
    settings_type = ApprovalSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    chooses_routes = True
    fixed_routes = ROUTES
    new_settings = {"group": "Administrator", "question": "May this go on?"}
    unused_fields = frozenset({"task", "agents", "timeout_seconds", "retries"})
    output = object_with(decision=TEXT, votes=LIST, answers=ANY)

    def sources(self, settings: ApprovalSettings) -> Iterable[Source]:
        yield Source("/settings/question", settings.question, is_template=True)
        yield Source("/settings/show", settings.show, is_template=False)

    def check(self, block: Block, settings: ApprovalSettings) -> Iterable[Problem]:
        if block.task.strip():
            yield Problem(
                "/task",
                "An approval asks people by its setting `question`, so it has no task.",
                fix("Remove the task", remove_value("/task")),
            )
        if not settings.question.strip():
            yield Problem("/settings/question", "Write the question that people decide.")
        if settings.form is not None:
            yield from _problems_of_form(settings.form)

    def check_outgoing(
        self,
        block: Block,
        settings: ApprovalSettings,
        path: str,
        outgoing: Mapping[str, Connection],
    ) -> Iterable[Problem]:
        for place, connection in outgoing.items():
            if connection.route is not None and connection.route not in ROUTES:
                yield Problem(
                    f"{place}/route",
                    f"There is no route `{excerpt(connection.route)}`. An approval has "
                    f"{listed(list(ROUTES))}; without a route, `approved` is meant.",
                    _nearest_route(place, connection, outgoing.values()),
                )
        if outgoing and block.on_error == "default":
            yield Problem(
                f"{path}/on_error",
                "A default value is no decision, so no connection would be taken. Connect the "
                "routes `rejected` and `timed_out`, or use `fail` or `continue` here.",
                fix(
                    "Fail the run instead",
                    set_value(f"{path}/on_error", "fail"),
                    *([] if block.default is None else [remove_value(f"{path}/default")]),
                ),
            )

    def most_calls(self, block: Block, settings: ApprovalSettings) -> Iterable[Questions]:
        return ()

    def choice(
        self, block: Block, settings: ApprovalSettings, outgoing: Collection[Connection]
    ) -> Choice | None:
        routes: dict[str, list[Connection]] = {}
        for connection in outgoing:
            routes.setdefault(route_of(connection), []).append(connection)
        return Choice(routes, 1) if routes else None

    async def run(
        self, block: Block, settings: ApprovalSettings, context: RunContext
    ) -> BlockOutput:
        shown_value = await what_it_gets(settings.show, context)
        question = await context.fill(settings.question)
        need = Need(
            key=f"{block.id}/-/1/{self.type}",
            kind="approval",
            block_id=block.id,
            due_at=context.now() + settings.timeout_seconds,
            request={
                "group": settings.group,
                "required": settings.required,
                "question": question if isinstance(question, str) else to_json(question).decode(),
                "shown": shown_value,
                "form": settings.form,
                "allows_self": settings.allow_self,
                "needs_reason": settings.reason == "required",
                "on_due": settings.on_timeout,
            },
        )
        decision = await context.wait_for(need)
        value = {
            "decision": decision["decision"],
            "votes": list(decision.get("votes") or ()),
            "answers": decision.get("answers"),
        }
        if value["decision"] == "fail":
            raise BlockFailed(NOBODY, kind="timed_out")
        taken = self.of_record(block, settings, value, context)
        outgoing = [c for c in context.graph.connections if c.source == block.id]
        if value["decision"] != "approved" and not _has_route(outgoing, value["decision"]):
            is_late = value["decision"] == "timed_out"
            raise BlockFailed(NOBODY if is_late else _rejected_by(value), kind=value["decision"])
        return taken

    def of_record(
        self, block: Block, settings: ApprovalSettings, value: Any, context: RunContext
    ) -> BlockOutput:
        """The connections that the recorded decision takes."""
        decision = value["decision"]
        outgoing = [c for c in context.graph.connections if c.source == block.id]
        routes = (c.route or c.target for c in outgoing if route_of(c) == decision)
        return BlockOutput(value, routes=frozenset(routes))


def _nearest_route(
    place: str, connection: Connection, outgoing: Iterable[Connection]
) -> Fix | None:
    """The route whose name is most like it, unless another connection means the same then."""
    near = difflib.get_close_matches(excerpt(connection.route or ""), ROUTES, n=1, cutoff=0.4)
    route = near[0] if near else ROUTES[0]
    meant = meaning_of(connection.model_copy(update={"route": route}))
    if meant in {meaning_of(other) for other in outgoing}:
        return None
    return fix(f"Use `{route}`", set_value(f"{place}/route", route))


NOBODY = "nobody decided in time."


def route_of(connection: Connection) -> str:
    """The decision that takes it: by its route, else `approved`."""
    return connection.route if connection.route in ROUTES else "approved"


def _has_route(outgoing: Sequence[Connection], decision: str) -> bool:
    return any(route_of(connection) == decision for connection in outgoing)


def _rejected_by(value: Mapping[str, Any]) -> str:
    against = [vote for vote in value["votes"] if vote.get("verdict") == "reject"]
    if not against:
        return "it was rejected, because nobody decided in time."
    who, reason = against[-1].get("user") or "somebody", against[-1].get("reason")
    return f"{who} rejected it: {reason}" if reason else f"{who} rejected it."


def _problems_of_form(form: dict[str, Any]) -> Iterable[Problem]:
    if form.get("type") != "object":
        yield Problem(
            "/settings/form/type",
            "The form is an object. Write `object`, and give it `properties`.",
            fix("Write `object`", set_value("/settings/form/type", "object")),
        )
    report = Report()
    check_schema(form, "/settings/form", report)
    yield from report.problems()
