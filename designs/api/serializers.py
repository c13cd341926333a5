"""Serializers of designs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from designs.api.base import StrictSerializer
from designs.graph.bounds import INPUT_TOKENS, OUTPUT_TOKENS, Bound
from designs.graph.spec import Problem
from designs.models import Design, DesignVersion
from designs.patterns.catalogue import check_document
from designs.patterns.hints import hints
from designs.sample_files import Sample
from designs.services import Found, Imported, check_draft
from designs.validation import Validation, bound_json, problem_json


class DesignIn(StrictSerializer):
    """A draft may have problems: they are returned, not refused.

    `name` and `description` replace those of the document.
    """

    document = serializers.DictField()
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)


class DesignReplace(DesignIn):
    """The body of PUT: read-only fields are ignored."""

    read_only_names = frozenset(
        {
            "id", "problems", "latest_version", "created_at", "updated_at",
            "revision", "changed_by", "changed_at",
        }
    )  # fmt: skip


class DesignChange(DesignReplace):
    """The body of PATCH: any of the fields."""

    document = serializers.DictField(required=False)


class ValidateIn(StrictSerializer):
    """Without a document the draft is checked."""

    document = serializers.JSONField(required=False)


class PublishIn(StrictSerializer):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class FixOut(serializers.Serializer[Any]):
    # Fields have a `label` of their own; the metaclass takes this one away from it.
    label = serializers.CharField()  # type: ignore[assignment]
    patch = serializers.ListField(
        child=serializers.DictField(),
        help_text="Operations of RFC 6902 on the document: `add`, `remove` and `replace`.",
    )


class ProblemOut(serializers.Serializer[Any]):
    """A JSON pointer (RFC 6901) into the document, and a sentence."""

    path = serializers.CharField()
    message = serializers.CharField()
    fix = FixOut(required=False, help_text="Only where one change mends it.")

    def to_representation(self, problem: Problem) -> dict[str, Any]:
        return problem_json(problem)


class BoundOut(serializers.Serializer[Any]):
    """What one run takes at most."""

    calls = serializers.IntegerField(help_text="Model calls, without further tries.")
    calls_with_retries = serializers.IntegerField(
        help_text="With all retries and fallbacks; waits for a rate limit do not count."
    )
    tokens_out = serializers.IntegerField(
        allow_null=True,
        help_text="Tokens of all answers; null if an agent has no `max_output_tokens`.",
    )
    cost_usd = serializers.CharField(
        allow_null=True,
        help_text=(
            f"An estimate for `calls`: prompts of {INPUT_TOKENS:,} tokens beside the design's own "
            f"words, and answers of {OUTPUT_TOKENS:,} where they have no limit. Null if a price is "
            "unknown."
        ),
    )
    unpriced = serializers.ListField(
        child=serializers.CharField(), help_text="The models without a known price."
    )
    blocks = serializers.DictField(
        child=serializers.DictField(),
        help_text="`calls`, `tokens_out` and `cost_usd` of each block that asks models, by id.",
    )

    def to_representation(self, bound: Bound) -> dict[str, Any]:
        return bound_json(bound) or {}


class ValidateOut(serializers.Serializer[Validation]):
    """`hints` never keep a design from being published; they and `bound` are for valid ones."""

    valid = serializers.SerializerMethodField()
    problems = ProblemOut(many=True)
    hints = ProblemOut(many=True)
    bound = BoundOut(allow_null=True)

    def get_valid(self, found: Validation) -> bool:
        return not found.problems


class DesignBrief(serializers.Serializer[Design]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    latest_version = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    revision = serializers.IntegerField(help_text="Raised by every write of the draft.")
    changed_by = serializers.CharField(
        source="changed_by_name",
        allow_null=True,
        help_text="The name of the user who wrote the draft last; null for the installation.",
    )
    changed_at = serializers.DateTimeField(help_text="When the draft was written last.")


class DesignOut(DesignBrief):
    """A design with its draft and the draft's problems."""

    document = serializers.JSONField(source="draft")
    problems = serializers.SerializerMethodField()

    @extend_schema_field(ProblemOut(many=True))
    def get_problems(self, design: Design) -> list[dict[str, Any]]:
        return [problem_json(problem) for problem in check_draft(design).problems]


class VersionBase(serializers.Serializer[DesignVersion]):
    id = serializers.UUIDField()
    version = serializers.IntegerField(source="number")
    note = serializers.CharField()
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField(
        source="created_by_name",
        allow_null=True,
        help_text="The name of the user who published it; null for the installation.",
    )


class VersionOut(VersionBase):
    deployments = serializers.IntegerField(
        source="deployment_count", help_text="That use it now, as far as the caller may see them."
    )


class VersionDetailOut(VersionBase):
    document = serializers.JSONField()


class PublishedOut(VersionDetailOut):
    """`warnings` are about parts that are valid, but probably not intended."""

    warnings = serializers.SerializerMethodField()

    @extend_schema_field(ProblemOut(many=True))
    def get_warnings(self, version: DesignVersion) -> list[dict[str, Any]]:
        warnings = hints(check_document(version.document).graph)
        return [problem_json(warning) for warning in warnings]


class FoundOut(serializers.Serializer[Found]):
    document = serializers.JSONField(help_text="As it would be imported.")
    warnings = ProblemOut(many=True)
    problems = ProblemOut(many=True)


class ReadOut(serializers.Serializer[Any]):
    designs = FoundOut(many=True)


class ImportedOut(serializers.Serializer[Imported]):
    id = serializers.UUIDField(source="design.id")
    name = serializers.CharField(source="design.name")
    warnings = ProblemOut(many=True)


class ImportOut(serializers.Serializer[Any]):
    designs = ImportedOut(many=True)


class SampleOut(serializers.Serializer[Sample]):
    slug = serializers.CharField()
    name = serializers.CharField()
    summary = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(), help_text="Its types of blocks.")
    input_example = serializers.JSONField()
    document = serializers.JSONField()
