"""Shapes of suggested prompts in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from designs.api.base import StrictSerializer


class SuggestionOut(serializers.Serializer[Any]):
    """A better prompt for one agent, with the reason."""

    block_id = serializers.CharField()
    agent_id = serializers.CharField()
    current_prompt = serializers.CharField(allow_blank=True)
    suggested_prompt = serializers.CharField()
    reasoning = serializers.CharField(allow_blank=True)
    outdated = serializers.CharField(
        allow_null=True, help_text="Why it cannot be applied to the draft; null if it can."
    )


class SuggestionListOut(serializers.Serializer[Any]):
    suggestions = SuggestionOut(many=True)


class SuggestionApplyIn(StrictSerializer):
    """Which suggestions: names as in `block/agent`, or null for all of them."""

    agents = serializers.ListField(
        child=serializers.CharField(max_length=140), max_length=200, allow_null=True, default=None
    )
