"""Verbs of the admin: pages that ask before they act, and actions for selected rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.decorators import action
from unfold.enums import ActionVariant

from designs.access import Caller
from designs.admin.refusals import add_refusals, explain
from designs.admin.shown import admin_url
from designs.errors import NotAllowed
from designs.requests import PageRequest


class ActionResult(NamedTuple):
    """A sentence for the user, and the page to show next (empty: the row's own)."""

    sentence: str
    url: str = ""


def posted(request: HttpRequest) -> Any:
    """The data of a POST, even if empty; None for a GET, so that forms stay unbound."""
    return request.POST if request.method == "POST" else None


def page_verb(
    label: str,
    permission: str,
    *,
    icon: str,
    title: str,
    variant: ActionVariant = ActionVariant.DEFAULT,
    form: type[forms.Form] = forms.Form,
    initial: Callable[[Any], dict[str, Any]] | None = None,
    **looks: str,
) -> Callable[[Callable[..., ActionResult]], Any]:
    """A button on a row's page that asks before it acts. `title` may name the `{row}`; `looks` are
    the `text` and `button` of `Verbs.question`.

    Decorates a method of a ModelAdmin that takes (request, row, the form's cleaned data).
    """

    def decorate(act: Callable[..., ActionResult]) -> Any:
        @wraps(act)
        def view(self: Verbs, request: PageRequest, object_id: str) -> HttpResponse:
            row = self.row(request, object_id)
            return self.ask(
                request,
                row,
                partial(act, self, request, row),
                title=title.format(row=row),
                form=form(posted(request), initial=initial(row) if initial else None),
                danger=variant is ActionVariant.DANGER,
                **looks,
            )

        return action(
            view, description=label, url_path=act.__name__.replace("_", "-"),
            permissions=[permission], icon=icon, variant=variant,
        )  # fmt: skip

    return decorate


def bulk_verb(
    name: str, label: str, permission: str, done: str, act: Callable[[Any, Caller], object]
) -> Callable[[Any, Any, Any], None]:
    """An entry of a ModelAdmin's `actions`: `act` takes one row, `done` reports the `{count}`."""

    def run(model_admin: Verbs, request: PageRequest, rows: Any) -> None:
        model_admin.for_each(request, rows, lambda row: act(row, request.caller), done)

    run.__name__ = name
    return admin.action(run, permissions=[permission], description=label)


class Verbs:
    """For a ModelAdmin; `refusals` maps errors of services to the form field that shows them."""

    refusals: ClassVar[dict[type[Exception], str]] = {NotAllowed: ""}
    # Attributes of the ModelAdmin.
    admin_site: Any
    opts: Any
    get_object: Any
    log_change: Any
    message_user: Any

    def field_of(self, error: Exception) -> str:
        return next(name for kind, name in self.refusals.items() if isinstance(error, kind))

    def row(self, request: PageRequest, object_id: str) -> Any:
        """Raises Http404 if the caller may not see the row, or there is none."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def ask(
        self,
        request: PageRequest,
        row: models.Model,
        act: Callable[[dict[str, Any]], ActionResult],
        *,
        title: str,
        form: forms.Form | None = None,
        **looks: Any,
    ) -> HttpResponse:
        """A verb's page: asks on GET, acts on POST, and shows refusals at the form's fields."""
        form = form if form is not None else forms.Form(posted(request))
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    result = act(form.cleaned_data)
            except tuple(self.refusals) as error:
                add_refusals(form, explain(error, self.field_of(error)))
            else:
                self.log_change(request, row, result.sentence)
                self.message_user(request, result.sentence, messages.SUCCESS)
                return HttpResponseRedirect(result.url or admin_url(row))
        return self.question(request, row, form, title=title, **looks)

    def question(
        self,
        request: PageRequest,
        row: models.Model,
        form: forms.Form,
        *,
        title: str,
        text: str = "",
        button: str = "",
        danger: bool = False,
        more: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page that asks; `more` is a section below the form, with `heading` and `content`."""
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
        self, request: PageRequest, rows: Any, act: Callable[[Any], object], done: str
    ) -> None:
        """Act on each of the selected rows; count the successes and warn of each refusal."""
        count = 0
        for row in rows:
            try:
                with transaction.atomic():
                    act(row)
            except tuple(self.refusals) as error:
                why = explain(error, "")
                text = " ".join(line for lines in why.values() for line in lines)
                self.message_user(request, f"{row}: {text}", messages.WARNING)
            else:
                count += 1
                self.log_change(request, row, done.format(count=1))
        if count:
            self.message_user(request, done.format(count=count), messages.SUCCESS)
