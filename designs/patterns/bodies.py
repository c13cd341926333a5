"""What blocks that play other designs share: the settings that name a design, and their rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, Field

from designs.graph.fixes import fix, remove_value, set_value
from designs.graph.labels import one_of, shown
from designs.graph.nesting import Body
from designs.graph.spec import Block, Problem
from designs.patterns.base import Settings

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
PATH_PATTERN = r"^(/[a-z0-9_-]+)+$"
UNUSED = frozenset({"task", "agents", "retries"})


class NamedDesign(Settings):
    """A published version of a design, or whatever is deployed at a path when the run begins."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            "Plays", {"design_id": "a version of a design", "path": "what is deployed at a path"}
        )
    )

    design_id: str | None = Field(
        default=None,
        pattern=UUID_PATTERN,
        title="Design",
        description="The id of the design, which stands in the address of its page.",
        json_schema_extra=shown(help="The id that stands in the address of its page."),
    )
    version: int | None = Field(
        default=None,
        ge=1,
        title="Version",
        description="The number of its version. Versions never change.",
        json_schema_extra=shown(when="/settings/design_id"),
    )
    path: str | None = Field(
        default=None,
        max_length=200,
        pattern=PATH_PATTERN,
        title="Deployed at",
        description="The path of a deployment: the version there when a run is accepted.",
        json_schema_extra=shown(help="The path of a deployment, as in `/support/translate`."),
    )
    design_name: str | None = Field(
        default=None,
        max_length=200,
        description="Written by an export, by which an import elsewhere finds the design.",
        json_schema_extra=shown(kind="hidden"),
    )
    design_digest: str | None = Field(
        default=None,
        max_length=64,
        description="The digest of that version's document, written by an export.",
        json_schema_extra=shown(kind="hidden"),
    )

    @property
    def body(self) -> Body | None:
        if self.path is not None:
            return Body(path=self.path)
        if self.design_id is not None and self.version is not None:
            return Body(design_id=self.design_id, version=self.version)
        return None


class PlayedBody(NamedDesign):
    """Also one block in place, without a design of its own."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            "Plays",
            {
                "design_id": "a version of a design",
                "path": "what is deployed at a path",
                "block": "one block, in place",
            },
        )
    )

    block: dict[str, Any] | None = Field(
        default=None,
        title="Block",
        description="One block, as in the list `blocks`. Its `id` may be left out.",
        json_schema_extra=shown(kind="json", help="As JSON, as in the document's `blocks`."),
    )

    @property
    def body(self) -> Body | None:
        return Body(block=self.block) if self.block is not None else super().body


def check_body(block: Block, settings: NamedDesign, kind: str) -> Iterable[Problem]:
    """That it says what is played, once; and that nothing is said that nobody reads."""
    in_place = getattr(settings, "block", None)
    ways = {"design_id": settings.design_id, "path": settings.path, "block": in_place}
    said = [name for name, value in ways.items() if value is not None]
    may_be = "`design_id` and `version`, or `path`"
    if isinstance(settings, PlayedBody):
        may_be = "`design_id` and `version`, `path`, or `block`"
    if not said:
        yield Problem("/settings", f"Say what the {kind} plays: {may_be}.")
    for name in said[1:]:
        yield Problem(
            f"/settings/{name}",
            f"A {kind} plays one thing: {may_be}. Remove one of them.",
            fix(f"Remove `{name}`", remove_value(f"/settings/{name}")),
        )
    if settings.design_id is not None and settings.version is None:
        yield Problem(
            "/settings",
            "Name the `version` of the design that is played.",
            fix("Use version 1", set_value("/settings/version", 1)),
        )
    if settings.version is not None and settings.design_id is None:
        yield Problem(
            "/settings/version",
            "A `version` goes with a `design_id`. Give that, or remove the version.",
            fix("Remove the version", remove_value("/settings/version")),
        )
    if block.task.strip():
        yield Problem(
            "/task",
            f"A {kind} asks nobody itself, so it has no task. The design that it plays has tasks.",
            fix("Remove the task", remove_value("/task")),
        )
