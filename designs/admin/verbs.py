"""Verbs of the admin: pages that ask before they do, and actions for selected rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import messages
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from designs.admin.refusals import add_refusals, explain
from designs.admin.shown import admin_url
from designs.errors import NotAllowed
from designs.requests import PageRequest


class Done(NamedTuple):
    """What a verb did, in a sentence, and which page shows it (empty: the row's own)."""

    sentence: str
    url: str = ""


def posted(request: HttpRequest) -> Any:
    """What was sent, also if it is nothing; None if the page was only asked for."""
    return request.POST if request.method == "POST" else None


class Verbs:
    """For a ModelAdmin; `refusals` says what services raise here, and at which field it is said."""

    refusals: ClassVar[dict[type[Exception], str]] = {NotAllowed: ""}
    # Of the ModelAdmin that this is mixed into.
    admin_site: Any
    opts: Any
    get_object: Any
    log_change: Any
    message_user: Any

    def field_of(self, error: Exception) -> str:
        return next(name for kind, name in self.refusals.items() if isinstance(error, kind))

    def row(self, request: PageRequest, object_id: str) -> Any:
        """The row of a verb's page. Raises Http404 if it is not there for the caller."""
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def ask(
        self,
        request: PageRequest,
        row: models.Model,
        do: Callable[[dict[str, Any]], Done],
        *,
        title: str,
        text: str = "",
        button: str = "",
        form: forms.Form | None = None,
        danger: bool = False,
        more: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A verb's page: asks by GET, does by POST, and says at its fields what was refused."""
        form = form if form is not None else forms.Form(posted(request))
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    done = do(form.cleaned_data)
            except tuple(self.refusals) as error:
                add_refusals(form, explain(error, self.field_of(error)))
            else:
                self.log_change(request, row, done.sentence)
                self.message_user(request, done.sentence, messages.SUCCESS)
                return HttpResponseRedirect(done.url or admin_url(row))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "text": text,
            "button": button or title,
            "danger": danger,
            "form": form,
            "more": more,
            "back": admin_url(row),
            "opts": self.opts,
            "original": row,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/verb.html", context, status=status)

    def for_each(
        self, request: PageRequest, rows: Any, do: Callable[[Any], object], done: str
    ) -> None:
        """A verb for selected rows: counts what was done, says for each other one why not."""
        count = 0
        for row in rows:
            try:
                with transaction.atomic():
                    do(row)
            except tuple(self.refusals) as error:
                why = explain(error, "")
                text = " ".join(line for lines in why.values() for line in lines)
                self.message_user(request, f"{row}: {text}", messages.WARNING)
            else:
                count += 1
                self.log_change(request, row, done.format(count=1))
        if count:
            self.message_user(request, done.format(count=count), messages.SUCCESS)
