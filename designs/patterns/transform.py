"""Transform: computes its output from the run's values, without agents or a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, Field

from designs.graph.expressions import missing_value
from designs.graph.fixes import fix, remove_value, set_value
from designs.graph.labels import one_of, shown
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import InstantPattern, RunContext, Settings
from designs.patterns.shapes import ANY


class TransformSettings(Settings):
    """One of the two: a JMESPath whose value is the output, or a text with `{{ expression }}`."""

    model_config = ConfigDict(
        json_schema_extra=one_of(
            "Output comes from", {"expression": "an expression", "template": "a template"}
        )
    )

    expression: str | None = Field(
        default=None,
        title="Expression",
        description="A JMESPath expression; its value is the output.",
        json_schema_extra=shown(
            kind="expression", help="As in `input.customer`; its value is the output."
        ),
    )
    template: str | None = Field(
        default=None,
        title="Template",
        description="A text with `{{ expression }}` in it, instead of an expression.",
        json_schema_extra=shown(kind="template", help="Type `{{` for what this block can read."),
    )


class Transform(InstantPattern[TransformSettings]):
    """The output is the value of `expression`, or the text that `template` gives."""

    type = "transform"
    label = "Transform"
    summary = "Computes its output with an expression or a template. No agents, no model."
    settings_type = TransformSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    new_settings = {"template": "{{ incoming }}"}
    unused_fields = frozenset({"task", "agents", "timeout_seconds", "retries"})
    output = ANY

    def sources(self, settings: TransformSettings) -> Iterable[Source]:
        if settings.expression is not None:
            yield Source("/settings/expression", settings.expression, is_template=False)
        if settings.template is not None:
            yield Source("/settings/template", settings.template, is_template=True)

    def check(self, block: Block, settings: TransformSettings) -> Iterable[Problem]:
        if settings.expression is None and settings.template is None:
            yield Problem(
                "/settings",
                "Give a transform its `expression` or its `template`.",
                fix("Hand on what arrives", set_value("/settings", dict(self.new_settings))),
            )
        if settings.expression is not None and settings.template is not None:
            yield Problem(
                "/settings", "A transform has an `expression` or a `template`. Remove one of them."
            )
        if block.task.strip():
            yield Problem(
                "/task",
                "A transform asks nobody, so it has no task. Write it into its settings.",
                fix("Remove the task", remove_value("/task")),
            )

    def compute(self, block: Block, settings: TransformSettings, context: RunContext) -> Any:
        if settings.expression is None:
            return context.render(settings.template or "")
        value = context.evaluate(settings.expression)
        if value is None:
            raise missing_value(settings.expression)
        return value
