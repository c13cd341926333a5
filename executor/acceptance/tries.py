"""Tries of a design without a deployment: who may, within which limits, how many at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from designs.access import Caller
from designs.errors import DesignInvalid
from designs.models import Design, DesignVersion
from designs.nested.problems import nested_problems
from executor.acceptance import parts
from executor.acceptance.documents import compile_document, with_model
from executor.acceptance.inputs import check_input, input_validator
from executor.acceptance.nesting import resolve
from executor.acceptance.runs import Order
from executor.engine.runner import CompiledGraph
from executor.errors import NotAccepted, TooManyAtOnce
from executor.language_models import registry
from executor.models import Execution, ExecutionQuerySet, Trigger
from executor.tool_connections.naming import closed_problems

TRY_DESIGN = "designs.try_design"


def order_of_try_again(
    *, execution: Execution, version: DesignVersion | None, caller: Caller
) -> Order:
    """The order to run a try again: with its own draft, or this version, and the model that was
    chosen for it. Raises as `order_of_try`.
    """
    model = execution.model_override
    if model is None and execution.version_id is not None and execution.document is not None:
        # Rows from before there was `model_override` have the model only here.
        model = str(execution.models_default[0])
    return order_of_try(
        design=execution.design,
        version=version,
        draft=execution.document or {},
        input_data=execution.input_data,
        caller=caller,
        model=model,
        part=parts.wanted_again(execution),
    )


def order_of_try(
    *,
    design: Design,
    version: DesignVersion | None,
    draft: dict[str, Any],
    input_data: dict[str, Any],
    caller: Caller,
    model: str | None = None,
    part: parts.PartWanted | None = None,
) -> Order:
    """The order to try the version, or without one the draft; a `model` replaces all that the
    design names. Of a `part` only that block runs; the input is checked if the block reads it.

    Raises RightMissing, NotAccepted (InputInvalid, PartInvalid), DesignInvalid, ModelUnavailable.
    """
    caller.require(TRY_DESIGN)
    if not Design.objects.for_caller(caller).filter(pk=design.pk).exists():
        raise NotAccepted("The design of this run is not there for you, so it cannot be tried.")
    document = draft if version is None else version.document
    compiled = compile_document(document)
    # A version was checked when it was published.
    if version is None and (problems := closed_problems(document, caller)):
        raise DesignInvalid(problems)
    fitted = None if part is None else parts.part_for(part, compiled)
    if fitted is None or fitted.reads_input:
        check_input(input_validator(document), input_data)
    if model is not None:
        registry.check_model(model)
        document = with_model(document, model)
    is_as_published = version is not None and model is None
    return Order(
        version=version,
        input_data=input_data,
        trigger=Trigger.MANUAL,
        caller=caller,
        models=() if model is None else (model,),
        limits=limits_of_tries(),
        document=None if is_as_published else document,
        design_id=design.pk,
        model_override=model,
        part=fitted,
        nested=_nested(compiled, caller, document, design),
    )


def _nested(
    compiled: CompiledGraph, caller: Caller, document: dict[str, Any], design: Design
) -> dict[str, Any] | None:
    """What the try plays inside. Raises DesignInvalid for what the caller may not see."""
    if problems := nested_problems(document, caller):
        raise DesignInvalid(problems)
    return resolve(compiled, design.name)


def limits_of_tries() -> dict[str, Any]:
    """The engine's Limits for a run without a deployment.

    It may use models of unknown price, since calls and seconds are limited too.
    """
    environment = settings.ENVIRONMENT
    return {
        "seconds": environment.try_seconds,
        "model_calls": environment.try_model_calls,
        "cost_usd": environment.try_cost_usd,
        "unpriced": True,
    }


def places_of(caller: Caller) -> dict[str, Any]:
    """The `limits` of a try and how many the person may have at once; how many are `live`."""
    limits = limits_of_tries()
    limits["at_once"] = settings.ENVIRONMENT.tries_at_once
    return {"limits": limits, "live": _live_tries(caller.user_id).count()}


def _live_tries(user_id: int | None) -> ExecutionQuerySet:
    return Execution.objects.busy().filter(user=user_id, deployment=None)


def take_place(caller: Caller) -> None:
    """Call it in the transaction that writes a try. Raises TooManyAtOnce if the person has the
    maximum of live tries; those that the installation starts by itself are not counted.
    """
    if caller.user_id is None:
        return
    # The lock serializes the tries of one person. SQLite has one writer anyway.
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    people.filter(pk=caller.user_id).values_list("pk").first()
    maximum = settings.ENVIRONMENT.tries_at_once
    if _live_tries(caller.user_id).count() >= maximum:
        raise TooManyAtOnce(
            f"You have {maximum} tries under way, which is the maximum. "
            "Wait until one has ended, or cancel one."
        )
