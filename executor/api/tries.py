"""The API of tries: run a design, or a part of it, and look at what its texts are worth."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import StrictSerializer
from designs.api.views.base import DesignBase
from executor.acceptance.tries import places_of
from executor.api.serializers import AcceptedOut
from executor.api.views import accepted
from executor.history.placeholders import TextAsked
from executor.services import evaluate_texts, try_design

MAX_TEXTS = 50
MAX_CHARACTERS = 100_000


class TryIn(StrictSerializer):
    """Without a version the draft runs. A model takes the place of all that the design names."""

    input_data = serializers.DictField(
        required=False,
        help_text="With `from_execution`, that run's input if there is none.",
    )
    version = serializers.IntegerField(
        min_value=1, max_value=999_999_999, required=False, allow_null=True
    )
    model = serializers.CharField(max_length=200, required=False, allow_null=True)
    only = serializers.CharField(
        max_length=64, required=False, allow_null=True, help_text="Run this block alone, by its id."
    )
    given = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="For `only`: outputs of blocks that it reads, by id, or by `block/agent`.",
    )
    from_execution = serializers.CharField(
        max_length=64,
        required=False,
        allow_null=True,
        help_text="For `only`: a run of the design whose outputs count where none are `given`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("only") is None and (attrs.get("given") or attrs.get("from_execution")):
            raise serializers.ValidationError({"only": "Name the block that is to run alone."})
        return attrs


class TryLimitsOut(serializers.Serializer[Any]):
    """What one try may use, and how many one person may have `at_once`."""

    seconds = serializers.FloatField()
    model_calls = serializers.IntegerField()
    cost_usd = serializers.FloatField()
    at_once = serializers.IntegerField()


class TryPlacesOut(serializers.Serializer[Any]):
    """`live` are the caller's tries that have not ended, of any design."""

    limits = TryLimitsOut()
    live = serializers.IntegerField()


class TextIn(StrictSerializer):
    """A text of the draft, with the block, agent or connection that it belongs to; without any, it
    is the design's output.
    """

    text = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_CHARACTERS)
    kind = serializers.ChoiceField(choices=("template", "expression"))
    block_id = serializers.CharField(max_length=64, required=False, allow_null=True)
    agent_id = serializers.CharField(
        max_length=64, required=False, allow_null=True, help_text="For a prompt: its agent."
    )
    connection_id = serializers.CharField(
        max_length=64,
        required=False,
        allow_null=True,
        help_text="For a condition, in place of both.",
    )


class EvaluateIn(StrictSerializer):
    """Texts of the draft, or of the `document`, with the data of a run of the design."""

    texts = serializers.ListField(child=TextIn(), max_length=MAX_TEXTS)
    execution_id = serializers.CharField(max_length=64, required=False, allow_null=True)
    input_data = serializers.DictField(
        required=False, allow_null=True, help_text="In place of the run's input."
    )
    document = serializers.JSONField(required=False)

    def validate_texts(self, texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if sum(len(text["text"]) for text in texts) > MAX_CHARACTERS:
            raise serializers.ValidationError(
                f"The texts may have {MAX_CHARACTERS:,} characters together. Ask for fewer."
            )
        return texts


class ValueOut(serializers.Serializer[Any]):
    """A JSON value, or if it is `cut`, the beginning of its text; or an error."""

    value = serializers.JSONField(required=False, allow_null=True)
    cut = serializers.BooleanField(required=False)
    error = serializers.CharField(required=False)


class PlaceholderOut(ValueOut):
    """An expression in a template, from `start` to `end` in UTF-16 code units."""

    start = serializers.IntegerField()
    end = serializers.IntegerField()


class TextValueOut(ValueOut):
    placeholders = PlaceholderOut(many=True, required=False)


class EvaluateOut(serializers.Serializer[Any]):
    values = serializers.SerializerMethodField()

    @extend_schema_field(TextValueOut(many=True))
    def get_values(self, answer: Any) -> Any:
        return answer


class DesignExecuteView(DesignBase):
    """Try a design without deploying it."""

    permissions = {"GET": "designs.try_design", "POST": "designs.try_design"}

    @extend_schema(operation_id="designs_execute_limits", responses={200: TryPlacesOut})
    def get(self, request: Request, pk: str) -> Response:
        """What a try may use."""
        self.design(pk)
        return Response(TryPlacesOut(places_of(self.caller)).data)

    @extend_schema(operation_id="designs_execute", request=TryIn, responses={202: AcceptedOut})
    def post(self, request: Request, pk: str) -> Response:
        """A worker runs it; poll `status_url` for the result."""
        wanted = {"input_data": None, **self.body(TryIn)}
        return accepted(try_design(design=self.design(pk), caller=self.caller, **wanted))


class DesignEvaluateView(DesignBase):
    """What texts of a draft are worth with the data of a run."""

    permissions = {"POST": "designs.view_design"}

    @extend_schema(
        operation_id="designs_evaluate", request=EvaluateIn, responses={200: EvaluateOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        """Nothing runs and nothing is saved."""
        design = self.design(pk)
        body = self.body(EvaluateIn)
        texts = [
            TextAsked(is_template=text.pop("kind") == "template", **text)
            for text in body.pop("texts")
        ]
        values = evaluate_texts(design=design, texts=texts, caller=self.caller, **body)
        return Response({"values": values})
