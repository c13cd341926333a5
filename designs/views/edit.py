"""The page of one design: a whole way to read, save and publish it, and the designer's frame."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from designs.access import seen_deployments
from designs.errors import DesignInvalid, DraftChanged
from designs.inspector.templates import inspector_templates
from designs.models import Design
from designs.models.checkpoint import Reason
from designs.requests import PageRequest, requires
from designs.services import change_draft, publish_design
from designs.strict_json import JsonUnreadable, read_strict_json
from designs.validation import validate
from designs.views.designer_data import designer_data, urls_of
from designs.views.outline import Outline, count_changes

NO_OBJECT = "A design is a JSON object, as in {…}."
MAX_JSON = 1_000_000


class DraftForm(forms.Form):
    """A draft as JSON, and the revision that it is based on. With `over` it replaces a draft that
    was shown beside it, which is kept.
    """

    revision = forms.IntegerField(min_value=0, max_value=2_147_483_647, widget=forms.HiddenInput)
    document = forms.CharField(
        max_length=MAX_JSON,
        strip=False,
        label="The draft as JSON",
        widget=forms.Textarea(
            attrs={"class": "json", "rows": 24, "spellcheck": "false", "autocomplete": "off"}
        ),
    )

    over = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_document(self) -> dict[str, Any]:
        try:
            document = read_strict_json(self.cleaned_data["document"])
        except JsonUnreadable as error:
            raise forms.ValidationError(str(error)) from error
        if not isinstance(document, dict):
            raise forms.ValidationError(NO_OBJECT)
        return document


class PublishForm(forms.Form):
    """`revision`: what the person has seen is published, or nothing."""

    revision = DraftForm.base_fields["revision"]
    note = forms.CharField(
        max_length=500, required=False, label="Note", help_text="What is new in this version."
    )


@require_safe
@requires("designs.view_design")
def design_edit(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _page(request, _find(request, pk))


@require_POST
@requires("designs.change_design")
def design_save(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Save the JSON; a draft that was changed in the meantime is shown beside it."""
    design, form = _find(request, pk), DraftForm(request.POST)
    if not form.is_valid():
        return _page(request, design, form=form, status=422)
    document = form.cleaned_data["document"]
    try:
        change_draft(
            design=design,
            document=document,
            caller=request.caller,
            revisions=(form.cleaned_data["revision"],),
            reason=Reason.CONFLICT if form.cleaned_data["over"] else None,
        )
    except DraftChanged as error:
        return _conflict(request, design, error, json_text(document))
    messages.success(request, "The draft is saved.")
    return redirect("designs:design-edit", pk=design.pk)


@require_POST
@requires("designs.publish_design")
def design_publish(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Make the draft the next version, if it is still the one that the page showed."""
    design, form = _find(request, pk), PublishForm(request.POST)
    if not form.is_valid():
        return _page(request, design, publish=form, status=422)
    revisions = (form.cleaned_data["revision"],)
    note = form.cleaned_data["note"]
    try:
        version = publish_design(
            design=design, caller=request.caller, note=note, revisions=revisions
        )
    except DraftChanged as error:
        who = error.changed_by or "The installation"
        sentence = f"Not published: {who} changed this draft in the meantime. Look at it first."
        messages.warning(request, sentence)
        return _page(request, _find(request, pk), status=412)
    except DesignInvalid:
        messages.error(request, "Not published: the draft has problems. They are listed below.")
        return _page(request, design, status=422)
    messages.success(request, f"Version {version.number} is published.")
    others = seen_deployments(request.caller).filter(design=design).exclude(version=version)
    if request.caller.may("deployments.change_deployment") and others.exists():
        query = urlencode({"design": design.pk, "version": version.number})
        return redirect(f"{reverse('deployments:deployment-move')}?{query}")
    return redirect("designs:design-edit", pk=design.pk)


def json_text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _find(request: PageRequest, pk: uuid.UUID) -> Any:
    rows = Design.objects.for_caller(request.caller).with_latest_version()
    return get_object_or_404(rows.select_related("changed_by"), pk=pk)


def _page(
    request: PageRequest,
    design: Any,
    *,
    form: DraftForm | None = None,
    publish: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    validation = validate(design.draft, request.caller)
    outline = Outline(design.draft, validation.problems)
    may = request.caller.may
    start = {"revision": design.revision, "document": json_text(design.draft)}
    caller = request.caller
    data = designer_data(design=design, caller=caller, validation=validation)
    latest = design.versions.first() if design.latest_version else None
    context = {
        "design": design,
        "designer_data": data,
        "urls": urls_of(design.pk),
        "rights": data["rights"],
        "blocks": outline.blocks(),
        "problems": outline.problems,
        "hints": validation.hints,
        "input_fields": outline.input_fields(),
        "is_published": latest is not None and latest.document == design.draft,
        "changes": count_changes(latest.document, design.draft) if latest else 0,
        "next_version": (design.latest_version or 0) + 1,
        "draft": (form or DraftForm(initial=start)) if may("designs.change_design") else None,
        "publish": publish or PublishForm(initial=start),
        "json_text": start["document"],
        **inspector_templates(),
    }
    return render(request, "designs/design_edit.html", context, status=status)


def _conflict(request: PageRequest, design: Any, error: DraftChanged, mine: str) -> HttpResponse:
    """Both drafts: the person decides, and nothing is lost."""
    context = {
        "design": design,
        "error": error,
        "mine": DraftForm(initial={"revision": error.revision, "document": mine, "over": True}),
        "theirs": json_text(error.document),
    }
    return render(request, "designs/design_conflict.html", context, status=412)
