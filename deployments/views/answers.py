"""How pages with forms answer: the form again with what is wrong, or on to another page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from deployments.errors import (
    EndpointPathInvalid,
    EndpointPathTaken,
    InputInvalid,
    PriceUnknown,
    ScheduleInvalid,
    VersionMisfit,
)
from deployments.forms.schedules import SCHEDULE_FIELDS
from deployments.occurrences import zone_choices
from designs.errors import DesignInvalid, NotAllowed, VersionUnknown
from designs.input_forms import InputForm
from designs.requests import PageRequest

UNSAID = "Nothing was changed: the button did not say what was wanted. Try again."
MANAGE_SCHEDULE = "deployments.change_schedule"
REFUSALS = (
    EndpointPathInvalid, EndpointPathTaken, PriceUnknown, ScheduleInvalid, VersionMisfit,
    DesignInvalid, NotAllowed, VersionUnknown,
)  # fmt: skip

_ABOUT: dict[type[Exception], str] = {
    EndpointPathInvalid: "endpoint_path",
    EndpointPathTaken: "endpoint_path",
    PriceUnknown: "max_cost_usd",
    VersionMisfit: "version",
}


def show_refusal(form: forms.Form, error: Exception) -> None:
    """Add a service's error to the field that it is about."""
    if (field := _ABOUT.get(type(error))) is not None:
        _show_at_field(form, field, [str(error)])
    elif isinstance(error, ScheduleInvalid):
        _show_of_schedule(form, error)
    elif isinstance(error, InputInvalid):
        for path, texts in error.errors.items():
            form.add_error("input_data", [f"{path}: {text}" for text in texts])  # type: ignore[arg-type]
    elif isinstance(error, DesignInvalid):
        form.add_error(None, "The design has problems and cannot be deployed. Repair it first:")
        for problem in error.problems[:20]:
            form.add_error(None, f"{problem.path or 'design'}: {problem.message}")
    else:
        form.add_error(None, str(error))


def _show_of_schedule(form: forms.Form, error: ScheduleInvalid) -> None:
    shown: InputForm | None = getattr(form, "input", None)
    for path, texts in error.errors.items():
        name = path.partition("/")[0]
        if name == "input_data" and shown is not None:
            shown.show_errors({path: texts})
        else:
            _show_at_field(form, SCHEDULE_FIELDS.get(name, name), texts)


def _show_at_field(form: forms.Form, name: str, texts: list[str]) -> None:
    form.add_error(name if name in form.fields else None, texts)  # type: ignore[arg-type]


def form_page(request: PageRequest, name: str, form: forms.Form, **more: Any) -> HttpResponse:
    """The page with the form, or only the form for htmx; 422 with errors."""
    status = 422 if form.is_bound and not getattr(form, "is_asking", False) else 200
    context = {
        "form": form,
        "may_schedule": request.caller.may(MANAGE_SCHEDULE),
        "frame": "deployments/_form_only.html" if request.htmx else "base.html",
        "zones": zone_choices() if "timezone" in form.fields else (),
        **more,
    }
    return render(request, f"deployments/{name}.html", context, status=status)


def go(request: PageRequest, name: str, **keys: Any) -> HttpResponse:
    """Redirect, by htmx or without."""
    response = redirect(name, **keys)
    return HttpResponseClientRedirect(response["Location"]) if request.htmx else response


def rights_of(request: PageRequest) -> dict[str, bool]:
    """What the person may do with deployments, for templates."""
    may = request.caller.may
    return {
        "may_deploy": may("deployments.add_deployment"),
        "may_change": may("deployments.change_deployment"),
        "may_delete": may("deployments.delete_deployment"),
        "may_execute": may("deployments.execute_deployment"),
        "may_see_schedules": may("deployments.view_schedule"),
        "may_add_schedule": may("deployments.add_schedule"),
        "may_change_schedule": may(MANAGE_SCHEDULE),
        "may_delete_schedule": may("deployments.delete_schedule"),
    }
