"""The base of all admin pages: rows that the caller may see, errors of services at their fields,
reasons why a row cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import BadRequest, FieldDoesNotExist, ValidationError
from django.db import models, transaction
from django.db.models.deletion import Collector, ProtectedError, RestrictedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin, TabularInline

from designs.access import Caller
from designs.admin.fields import ChooseOne, ChooseSome
from designs.admin.refusals import ServiceForm, explain
from designs.admin.shown import admin_url, entries_url
from designs.admin.verbs import Verbs
from designs.models import AuditEntry
from designs.rows.columns import bounds_of

MAX_ENTRIES = 50
KEPT = "It is still in use: {names}."


class OrchestraAdmin(Verbs, ModelAdmin):
    """Shows and changes only rows that the caller's permissions and groups allow."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True
    # Large columns that the list does not show.
    deferred_in_lists: Sequence[str] = ()
    # Columns that links to the list filter by, besides those of `list_filter`.
    linked_lookups: Sequence[str] = ()

    # --- Rows -------------------------------------------------------------------------------------

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.for_caller(caller)

    def get_queryset(self, request: Any) -> Any:
        rows = self.rows_for(super().get_queryset(request), request.caller)
        match = request.resolver_match
        if self.deferred_in_lists and match and str(match.url_name).endswith("_changelist"):
            rows = rows.defer(*self.deferred_in_lists)
        return rows

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only the list's own filters: with others, values of any column could be guessed letter by
        letter.
        """
        allowed = {self.opts.pk.name, self.date_hierarchy, *self.linked_lookups}
        for entry in self.get_list_filter(request):
            name = entry[0] if isinstance(entry, tuple | list) else entry
            if isinstance(name, str):
                allowed.add(name.partition("__")[0])
        first = lookup.partition("__")[0]
        try:
            self.opts.get_field(first)
        except FieldDoesNotExist:
            # Not a column: Django ignores or refuses it.
            allowed.add(first)
        return (
            first in allowed
            and "\0" not in str(value)
            and super().lookup_allowed(lookup, value, request)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        # PostgreSQL refuses NUL, and autocompletion does not check for it.
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        """Choices of forms are the rows of the related list."""
        related = self.admin_site._registry.get(db_field.remote_field.model)
        if isinstance(related, OrchestraAdmin):
            return related.get_queryset(request)
        return super().get_field_queryset(db, db_field, request)

    def formfield_for_foreignkey(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseOne(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseSome(db_field, self.admin_site))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # --- Forms ------------------------------------------------------------------------------------

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if not db_field.choices and isinstance(db_field, models.IntegerField | models.DecimalField):
            kwargs = {**bounds_of(db_field), **kwargs}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_form(
        self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        attributes = {"caller": request.caller, "refused": getattr(request, "refused", {})}
        return type(form.__name__, (form,), attributes)

    def changeform_view(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except tuple(self.refusals) as error:
            if request.method != "POST" or hasattr(request, "refused"):
                raise
            request.refused = explain(error, self.field_of(error))
            return super().changeform_view(request, *args, **kwargs)
        except OverflowError as error:
            raise BadRequest("A number is larger than any that is kept here.") from error

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        self.store(request, obj, form, change)
        for button in self.get_actions_submit_line(request, obj.pk):
            if button.action_name in request.POST:
                button.method(request, obj)

    def store(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Save the form's values; overridden to call a service."""
        obj.save()

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """The service of a `ServiceForm` has written many-to-many values."""
        if not isinstance(form, ServiceForm):
            super().save_related(request, form, formsets, change)
            return
        for formset in formsets:
            self.save_formset(request, form, formset, change)

    # --- History ----------------------------------------------------------------------------------

    def history_view(
        self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's log of the admin; for callers who may read the audit, the row's entries."""
        context = {**(extra_context or {})}
        if request.caller.may("designs.view_auditentry"):
            kind, pk = ContentType.objects.get_for_model(self.model), unquote(object_id)
            entries = AuditEntry.objects.for_caller(request.caller)
            entries = entries.filter(content_type=kind, object_pk=pk)
            context["entries"] = entries.order_by("-pk")[:MAX_ENTRIES]
            context["entries_url"] = entries_url(kind.pk, pk)
        return super().history_view(request, object_id, context)

    # --- Deletion ---------------------------------------------------------------------------------

    @property
    def hindrances(self) -> tuple[type[Exception], ...]:
        """Errors that refuse a deletion."""
        return (ProtectedError, RestrictedError, *self.refusals)

    def reasons_to_keep(self, row: models.Model) -> list[str]:
        """Sentences that say why the row cannot be deleted; empty if it can."""
        collector = Collector(using=row._state.db or "default", origin=row)
        try:
            collector.collect([row])
        except (ProtectedError, RestrictedError) as error:
            return [_reason(error)]
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Without Django's list of related rows, which names rows that the caller may not see."""
        reasons = [f"{row}: {why}" for row in objs for why in self.reasons_to_keep(row)]
        forbidden = [row for row in objs if not self.has_delete_permission(request, row)]
        reasons += [f"{row}: You are not allowed to delete it." for row in forbidden]
        return [str(row) for row in objs], {}, set(), reasons

    def delete_view(
        self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.hindrances as error:
            self.message_user(request, _reason(error), messages.ERROR)
            return HttpResponseRedirect(admin_url(self.row(request, object_id)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        pk, sent, valid = self.opts.pk, request.POST.getlist(ACTION_CHECKBOX_NAME), []
        for value in sent:
            with suppress(ValidationError):
                pk.run_validators(pk.to_python(value))
                valid += [value] if "\0" not in value else []
        if valid != sent:
            # Not every database can compare an invalid key.
            post: Any = request.POST.copy()
            post.setlist(ACTION_CHECKBOX_NAME, valid)
            request.POST = post
        try:
            with transaction.atomic() if request.method == "POST" else nullcontext():
                return super().changelist_view(request, extra_context)
        except self.hindrances as error:
            self.message_user(request, _reason(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        except OverflowError:
            # A number in the URL is too large for its column; Django handles other invalid values.
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")


def _reason(error: Exception) -> str:
    if not isinstance(error, ProtectedError | RestrictedError):
        return str(error)
    objects: Any = getattr(error, "protected_objects", None) or error.args[1]
    names = sorted({str(row._meta.verbose_name_plural) for row in objects})
    return KEPT.format(names=", ".join(names))


class ReadOnly:
    """For rows that never change."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, TabularInline):
    """Related rows, shown below their owner."""

    extra = 0
    can_delete = False
    tab = True
    hide_title = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)


def become(row: models.Model, created: models.Model) -> None:
    """Turn the form's unsaved row into the one that a service has created."""
    row.pk = created.pk
    row._state.adding = False
    row.refresh_from_db()
