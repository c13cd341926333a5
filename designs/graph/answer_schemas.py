"""JSON Schemas of agents' answers: what models and their servers take."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from designs.graph.fixes import fix, remove_value
from designs.graph.report import Report
from designs.graph.schemas import check_schema
from designs.graph.spec import Agent, Problem

# It is sent with each question, and costs as much as other words.
MAX_CHARACTERS = 20_000
# In one document: checking more would take too long.
MAX_SCHEMAS = 200
# Servers refuse these at the top.
NOT_AT_TOP = ("$ref", "anyOf", "oneOf", "allOf", "not", "if", "enum", "const")


def check_answer_schemas(agents: Iterable[tuple[str, Agent]], report: Report) -> None:
    """Report what is wrong with those of all agents of a document, which come with their paths."""
    schemas = [
        (f"{place}/output_schema", agent.output_schema)
        for place, agent in agents
        if agent.output_schema is not None
    ]
    if len(schemas) > MAX_SCHEMAS:
        sentence = f"At most {MAX_SCHEMAS} agents may have an `output_schema`, and more have one."
        report.add("", sentence)
        return
    for path, schema in schemas:
        _check(schema, path, report)


def _check(schema: dict[str, Any], path: str, report: Report) -> None:
    """Everything for which a model could not be asked for such an answer."""
    before = len(report)
    check_schema(schema, path, report)
    if len(report) > before:
        return
    if schema.get("type") != "object":
        sentence = "The answer of an agent is an object. Write `object`, and give it `properties`."
        report.add(f"{path}/type" if "type" in schema else path, sentence)
    for key in NOT_AT_TOP:
        if key in schema:
            sentence = f"Servers of models refuse `{key}` here. Use it inside of `properties`."
            report.add(f"{path}/{key}", sentence)
    if len(json.dumps(schema, ensure_ascii=False)) > MAX_CHARACTERS:
        sentence = (
            f"The form of an answer has more than {MAX_CHARACTERS:,} characters, and is sent with "
            "each question. Make it smaller."
        )
        report.add(path, sentence)


def not_combined(place: str, kind: str) -> Problem:
    """The problem of an agent that a block of this type asks in a form of its own."""
    path = f"{place}/output_schema"
    return Problem(
        path,
        f"A {kind} block asks this agent in a form of its own, or joins its answers as texts, so "
        "they cannot have another form. Remove it, and let an agent behind this block bring the "
        "result into one.",
        fix("Remove it", remove_value(path)),
    )
