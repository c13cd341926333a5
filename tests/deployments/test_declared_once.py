"""Limits and options are declared once, in their columns: every door has the same bounds, choices,
default and help.
"""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.test import Client

from deployments.forms.deployments import ConfigureForm
from deployments.forms.keys import KeyForm
from deployments.forms.schedules import ScheduleForm
from deployments.models import CALL_LIMITS, LIMITS, ApiKey, Deployment, Schedule
from deployments.models.limits import ENGINE_LIMITS
from deployments.models.schedule import OPTIONS
from deployments.services import CHANGEABLE
from designs.access import SYSTEM
from designs.rows.columns import bounds_of
from orchestra.api.document import api_document
from tests.admin_pages import url_of

DECLARED: list[tuple[Any, str]] = [
    *((Deployment, name) for name in LIMITS),
    *((ApiKey, name) for name in CALL_LIMITS),
    *((Schedule, name) for name in OPTIONS),
]
BODIES = {
    Deployment: ("DeploymentIn", "DeploymentChange", "DeploymentOut"),
    ApiKey: ("KeyIn", "KeyOut"),
    Schedule: ("ScheduleIn", "ScheduleOut"),
}
each_column = pytest.mark.parametrize(("model", "name"), DECLARED)


def page_form(model: Any) -> forms.Form:
    if model is Deployment:
        return ConfigureForm(versions=[1])
    return KeyForm(caller=SYSTEM) if model is ApiKey else ScheduleForm()


def limits_of(field: Any) -> tuple[Any, Any]:
    return getattr(field, "min_value", None), getattr(field, "max_value", None)


def check_form_field(field: Any, column: Any) -> None:
    bounds = bounds_of(column)
    assert limits_of(field) == (bounds.get("min_value"), bounds.get("max_value"))
    assert (field.help_text, field.initial) == (column.help_text, column.get_default())
    assert str(field.label).lower() == str(column.verbose_name).lower()
    if column.choices:
        assert list(field.choices) == column.choices


@each_column
def test_rows_are_within_the_bounds(model: Any, name: str) -> None:
    column = model._meta.get_field(name)
    bounds = bounds_of(column)
    assert column.choices or "min_value" in bounds
    for value in bounds.values():
        column.clean(value, None)
    for limit, step in (("min_value", -1), ("max_value", 1)):
        if limit in bounds:
            with pytest.raises(ValidationError):
                column.clean(bounds[limit] + step, None)


@each_column
def test_the_page_asks_for_it(model: Any, name: str) -> None:
    check_form_field(page_form(model).fields[name], model._meta.get_field(name))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "names"), [(Deployment, LIMITS), (ApiKey, CALL_LIMITS), (Schedule, OPTIONS)]
)
def test_the_admin_asks_for_it(model: Any, names: tuple[str, ...], admin_client: Client) -> None:
    form = admin_client.get(url_of(model(), "add")).context["adminform"]
    placed = [name for _, group in form.fieldsets for name in group["fields"]]
    for name in names:
        assert name in placed
        check_form_field(form.form.fields[name], model._meta.get_field(name))


@each_column
def test_the_api_documents_it(model: Any, name: str) -> None:
    column = model._meta.get_field(name)
    bounds = bounds_of(column)
    given, *others = BODIES[model]
    schemas = api_document()["components"]["schemas"]
    for body in (given, *others):
        assert name in schemas[body]["properties"], body
    schema = schemas[given]["properties"][name]
    assert schema.get("description", "").startswith(column.help_text)
    if column.choices:
        enum = schema.get("$ref") or schema["allOf"][0]["$ref"]
        assert schemas[enum.rpartition("/")[2]]["enum"] == [value for value, _ in column.choices]
        return
    assert schema.get("default") == column.get_default()
    # Decimals are texts with a pattern.
    if schema.get("format") != "decimal":
        limits = (schema.get("minimum"), schema.get("maximum"))
        assert limits == (bounds["min_value"], bounds["max_value"])


def test_services_and_engine_take_limits() -> None:
    assert set(LIMITS) <= CHANGEABLE
    assert set(ENGINE_LIMITS) <= set(LIMITS)
    limits = Deployment(max_cost_usd=1, max_memory_mb=64).engine_limits()
    assert limits == {"seconds": 600.0, "cost_usd": 1.0, "memory_mb": 64}
