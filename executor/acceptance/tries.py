"""Trying a design without deploying it: who may, with which limits, how many at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from designs.access import Caller
from designs.models import Design, DesignVersion
from executor.acceptance.documents import check_runnable, with_model
from executor.acceptance.inputs import check_input, input_validator
from executor.acceptance.runs import Order
from executor.errors import NotAccepted, TooManyAtOnce
from executor.language_models import provider
from executor.models import Execution, Trigger

TRY_DESIGN = "designs.try_design"


def order_of_try_again(
    *, execution: Execution, version: DesignVersion | None, caller: Caller
) -> Order:
    """The order of a try that is to run once more: with its own draft, or this version; a model
    that was chosen for it stays. Raises what `order_of_try` raises.
    """
    return order_of_try(
        design=execution.design,
        version=version,
        draft=execution.document or {},
        input_data=execution.input_data,
        caller=caller,
        model=_override_of(execution),
    )


def order_of_try(
    *,
    design: Design,
    version: DesignVersion | None,
    draft: dict[str, Any],
    input_data: dict[str, Any],
    caller: Caller,
    model: str | None = None,
) -> Order:
    """What a try freezes: the version, or the draft without one; a model takes the place of all
    that the design names.

    Raises RightMissing, NotAccepted (InputInvalid), DesignInvalid, ModelUnavailable.
    """
    caller.require(TRY_DESIGN)
    if not Design.objects.for_caller(caller).filter(pk=design.pk).exists():
        raise NotAccepted("The design of this run is not there for you, so it cannot be tried.")
    document = draft if version is None else version.document
    check_runnable(document)
    check_input(input_validator(document), input_data)
    if model is not None:
        provider.check_model(model)
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
    )


def limits_of_tries() -> dict[str, Any]:
    """What a run without a deployment may use, as the engine's Limits.

    A model without a known price may be tried: calls and seconds are limited all the same.
    """
    environment = settings.ENVIRONMENT
    return {
        "seconds": environment.try_seconds,
        "model_calls": environment.try_model_calls,
        "cost_usd": environment.try_cost_usd,
        "unpriced": True,
    }


def take_place(caller: Caller) -> None:
    """Inside the transaction that writes a try: raises TooManyAtOnce if the person has as many
    under way as one may have. What the installation starts by itself is not counted.
    """
    if caller.user_id is None:
        return
    # Two tries of one person are counted one after the other. SQLite has one writer anyway.
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    people.filter(pk=caller.user_id).values_list("pk").first()
    most = settings.ENVIRONMENT.tries_at_once
    mine = Execution.objects.live().filter(user_id=caller.user_id, deployment=None)
    if mine.count() >= most:
        raise TooManyAtOnce(
            f"You have {most} tries under way, which is the maximum. "
            "Wait until one has ended, or cancel one."
        )


def _override_of(execution: Execution) -> str | None:
    """The model that was chosen for it. Before that was kept, a version with a document of its
    own told of one.
    """
    if execution.model_override is not None:
        return execution.model_override
    if execution.version_id is not None and execution.document is not None:
        return str(execution.models_default[0])
    return None
