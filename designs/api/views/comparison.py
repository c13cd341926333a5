"""The API that compares two versions of a design, or one with the draft."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.lists import check_names
from designs.api.views.base import DesignBase
from designs.graph.compare import Comparison, PartChange
from designs.models import Design
from designs.patterns.comparison import compare_designs

DRAFT = "draft"
ENDS = ("from", "to")
_NUMBER = re.compile("[0-9]{1,9}")


class FieldChangeOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="A path inside the part, as `settings/rounds`.")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    words = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Of longer texts: pieces `[op, text]`, op is `same`, `removed` or `added`.",
    )


class PartChangeOut(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["design", "block", "agent", "connection"])
    id = serializers.CharField(help_text="The newer one; of the design the field's name.")
    block_id = serializers.CharField(required=False, help_text="Of an agent: its block.")
    label = serializers.CharField()  # type: ignore[assignment]
    change = serializers.ChoiceField(choices=["added", "changed", "removed"])
    fields = FieldChangeOut(many=True)  # type: ignore[assignment]


class SummaryOut(serializers.Serializer[Any]):
    """Parts; agents count as a change of their block."""

    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()


@extend_schema_field(
    {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "enum": [DRAFT]}]}
)
class PlaceField(serializers.Field[Any, Any, Any, Any]):
    """A version's number, or the draft."""


class ComparisonOut(serializers.Serializer[Any]):
    """What changed from one version, or the draft, to another."""

    to = PlaceField()
    summary = SummaryOut()
    changes = PartChangeOut(many=True)

    def get_fields(self) -> dict[str, Any]:
        # A word of Python, so no attribute.
        return {"from": PlaceField(), **super().get_fields()}


class DesignVersionCompareView(DesignBase):
    """What changed between two versions, or between a version and the draft."""

    permissions = {"GET": "designs.view_designversion"}

    @extend_schema(
        operation_id="designs_compare",
        parameters=[
            OpenApiParameter(name, required=True, description="A version's number, or `draft`.")
            for name in ENDS
        ],
        responses={200: ComparisonOut},
    )
    def get(self, request: Request, pk: str) -> Response:
        """Part by part, in words; positions count only if nothing else changed."""
        design = self.design(pk)
        check_names(request.query_params, ENDS)
        places = {name: self._place(request, name) for name in ENDS}
        before, after = (self._document(design, place) for place in places.values())
        return Response({**places, **comparison_as_json(compare_designs(before, after))})

    def _place(self, request: Request, name: str) -> int | str:
        text = request.query_params.get(name, "")
        if text == DRAFT:
            return DRAFT
        if not _NUMBER.fullmatch(text):
            raise ValidationError({name: ["Give the number of a version, or `draft`."]})
        return int(text)

    def _document(self, design: Design, place: int | str) -> Any:
        if place == DRAFT:
            return design.draft
        version = design.versions.filter(number=place).first()
        if version is None:
            raise NotFound(f"This design has no version {place}.")
        return version.document


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    changes = [_change_as_json(part) for part in comparison.changes]
    return {"summary": comparison.summary(), "changes": changes}


def _change_as_json(part: PartChange) -> dict[str, Any]:
    """Agents alone have a `block_id`, texts alone `words`."""
    return {
        "kind": part.kind,
        "id": part.id,
        **({"block_id": part.block_id} if part.kind == "agent" else {}),
        "label": part.label,
        "change": part.change,
        "fields": [
            {
                "name": change.name,
                "before": change.before,
                "after": change.after,
                **({"words": change.words} if change.words else {}),
            }
            for change in part.fields
        ],
    }
