"""The inspector's templates: one for each block type, one for agents, connections and the design.

What the client does with them:

- It clones `<template id="inspector-<type>">`, replaces the token `__id__` in `id`, `for`, `name`
  and `aria-*` by something unique in the page, and puts its own parts into `[data-slot]`.
- An element with `data-pointer` is the control of one value: its JSON pointer is relative to the
  part (block, agent, connection or document). It is an input itself, or a group around inputs.
- `data-kind` says how the value is typed in:
  `text`, `longtext`, `id`: a text. `template`: a text with `{{ expression }}`. `expression`: a
  JMESPath; with `data-also="template"` it is a template if `{{` stands in it.
  `number`, `integer`, `boolean` (a checkbox), `json` (parsed; an invalid one is not written).
  `choice`: a select, or radio inputs in a group; the value is a text.
  `choice-or-integer`: a group of a select (`[data-part=choice]`) and a number
  (`[data-part=number]`), which is shown while the select says `number`; then the value is the
  number, else the text of the choice.
  `model` and `models` share a pointer: a model's name, or a list in the order they are tried. The
  first writes the first name, the second, an empty group that the client fills with a list, the
  further ones. Nothing left removes the key, one name
  is a text, several are a list.
  `either`: radio inputs or a select whose values are keys of the object at the pointer. The chosen
  key is the one that is there; choosing another removes the others and carries the text over.
- `data-options`: the choices come from the draft: `routes` (of the block, or of the connection's
  source: its specialists, else the routes of its outgoing connections), `blocks`, `agents` (of the
  block at that end of the connection), `models`, `roles` (of the palette entry). Choices that are
  there already come first, such as the empty one. A field with options of which there are none, and
  without a value, is hidden.
- `data-default` is the value of a missing key, as JSON. `data-empty` is what an emptied control
  means: `remove` the key, or the text `""`.
- `data-when` on a field: shown only while this holds of its part: a pointer alone (there is a
  value, even an empty one), or a pointer, `=` and the allowed values divided by `|`; a missing key
  has the `data-default` of its control. A field that has a problem is shown in any case.
- Problems go to `[data-field]`, the pointer again: into its `.error`, which the control's
  `aria-describedby` names already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from django.template.loader import render_to_string

from designs.graph.spec import Agent, Block, Connection, Graph
from designs.inspector.controls import Control, controls_of
from designs.patterns.base import Pattern
from designs.patterns.catalogue import PALETTE

# The fields of a block by section; what is not named here is no part of any.
HEAD, TASK = ("/label", "/id"), ("/task",)
FAILURE = ("/timeout_seconds", "/retries", "/on_error", "/default")


@dataclass(frozen=True, slots=True)
class Section:
    """Controls under a title, or only a place (`slot`) that the client fills."""

    name: str
    title: str = ""
    controls: tuple[Control, ...] = ()
    slot: str = ""

    @property
    def groups(self) -> list[tuple[str, list[Control]]]:
        """The controls by the title of their disclosure, empty for those in sight."""
        return [(title, list(found)) for title, found in groupby(self.controls, lambda c: c.group)]


@dataclass(frozen=True, slots=True)
class Inspector:
    """One template. `name` is a block type, `agent`, `connection` or `design`."""

    name: str
    sections: tuple[Section, ...]


def inspectors(patterns: Iterable[Pattern[Any]] = tuple(PALETTE.values())) -> list[Inspector]:
    return [
        *(_of_block(pattern) for pattern in patterns),
        Inspector("agent", (_fields("agent", "", controls_of(Agent)),)),
        Inspector("connection", (_fields("connection", "", controls_of(Connection)),)),
        Inspector("design", (_fields("design", "", controls_of(Graph)),)),
    ]


def _of_block(pattern: Pattern[Any]) -> Inspector:
    known = {
        control.pointer: control
        for control in controls_of(Block)
        if control.pointer[1:] not in pattern.unused_fields
    }

    def of(places: tuple[str, ...]) -> list[Control]:
        return [known[place] for place in places if place in known]

    sections = [
        _fields("head", "", of(HEAD)),
        _fields("task", "", of(TASK)),
        Section("agents", "Agents", slot="agents" if pattern.max_agents else ""),
        _fields("settings", "Settings", controls_of(pattern.settings_type, "/settings")),
        _fields("failure", "When something goes wrong", of(FAILURE)),
        Section("connections-in", slot="connections-in"),
        Section("connections-out", slot="connections-out"),
        Section("last-try", slot="last-try"),
    ]
    kept = [section for section in sections if section.controls or section.slot]
    return Inspector(pattern.type, tuple(kept))


def _fields(name: str, title: str, controls: list[Control]) -> Section:
    """The controls in sight first, then the others by disclosure; each in its order."""
    return Section(name, title, tuple(sorted(controls, key=lambda c: c.group != "")))


@cache
def inspector_templates() -> dict[str, str]:
    """The context of `designs/_inspector_templates.html`, rendered once a process."""
    return {"inspectors": render_inspectors(inspectors())}


def render_inspectors(found: Iterable[Inspector]) -> str:
    return render_to_string("designs/inspector/_inspectors.html", {"inspectors": found})
