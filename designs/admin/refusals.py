"""Shows errors of services as errors of forms, each at its field."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from designs.access import Caller
from designs.errors import DesignInvalid, NotAllowed, VersionUnknown

DESIGN_REFUSALS: dict[type[Exception], str] = {
    NotAllowed: "",
    DesignInvalid: "",
    VersionUnknown: "version_number",
}


class ServiceForm(forms.ModelForm):
    """A form that is saved by a service, whose errors are shown like any others."""

    caller: Caller
    refused: ClassVar[dict[str, list[str]]] = {}

    def clean(self) -> Any:
        cleaned = super().clean()
        add_refusals(self, self.refused)
        return cleaned


def add_refusals(form: forms.BaseForm, refused: dict[str, list[str]]) -> None:
    """Add sentences to the form at their fields; those without a field are shown above it."""
    for name, sentences in refused.items():
        for sentence in sentences:
            if name in form.fields:
                form.add_error(name, sentence)
            else:
                form.add_error(None, f"{name}: {sentence}" if name else sentence)


def explain(error: Exception, field: str) -> dict[str, list[str]]:
    """An error as field → sentences."""
    if isinstance(error, DesignInvalid):
        return {field: [problem_line(problem) for problem in error.problems]}
    if isinstance(error, ValidationError):
        return {field: list(error.messages)}
    errors: dict[str, list[str]] | None = getattr(error, "errors", None)
    return errors or {field: [str(error)]}


def problem_line(problem: Any) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else str(problem.message)
