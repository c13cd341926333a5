"""What is offered for runs: models by name, the limits of tries, an example of the input."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from designs.patterns.base import Part
from executor.acceptance.tries import limits_of_tries
from executor.engine.llm import offline
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.invention import invent
from executor.language_models.registry import LOCAL, default_models, provider_models
from executor.models import ModelConnection

MAX_CONNECTIONS = 200


def example_input(document: object, *, is_valid: bool = True) -> dict[str, Any]:
    """The input schema's own first example, else a value that fits as well as the schema tells.

    Of a draft that is not valid, only an example is taken.
    """
    schema = document.get("input_schema") if isinstance(document, dict) else None
    if not isinstance(schema, dict):
        return {}
    examples = schema.get("examples")
    for example in examples if isinstance(examples, list) else ():
        if isinstance(example, dict):
            return example
    if not is_valid:
        return {}
    parts = (Part("Task", "An example text."),)
    request = ModelRequest(call_key="", system="", parts=parts, purpose="example", role="worker")
    value = invent(schema, request)
    return value if isinstance(value, dict) else {}


def model_names() -> list[str]:
    """All models that can be named, those of the default first."""
    environment = settings.ENVIRONMENT
    rows = ModelConnection.objects.filter(is_enabled=True).order_by("name")
    connections = rows.values_list("name", flat=True)[:MAX_CONNECTIONS]
    local = [LOCAL] if environment.local_model and environment.local_model_url else []
    names = [*default_models(), *provider_models(), *connections, *local, offline.NAME]
    return list(dict.fromkeys(names))


def run_facts(document: object, *, is_valid: bool = False) -> dict[str, Any]:
    """What the designer says about running a draft: the default model, all models that can be
    named, the limits of a try, and an example of the input.
    """
    limits = limits_of_tries()
    cost = limits["cost_usd"]
    return {
        "input_example": example_input(document, is_valid=is_valid),
        "default_model": default_models()[0],
        "models": model_names(),
        "limits": {
            "model_calls": limits["model_calls"],
            "cost_usd": None if cost is None else str(cost),
            "seconds": limits["seconds"],
        },
    }
