"""The base of all admin pages: rows the caller may see, services' errors beside their fields,
deletion that says why not.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
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

SHOWN_ENTRIES = 50
KEPT = "The history or other rows point at it, so it stays: {names}."


class OrchestraAdmin(Verbs, ModelAdmin):
    """What a person sees and does here is what their groups may, row by row."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True
    # Large columns that a list does not need.
    deferred_in_lists: Sequence[str] = ()

    # --- Rows -------------------------------------------------------------------------------------

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        """Those of the rows that are there for the caller."""
        return rows.for_caller(caller)

    def get_queryset(self, request: Any) -> Any:
        rows = self.rows_for(super().get_queryset(request), request.caller)
        match = request.resolver_match
        if self.deferred_in_lists and match and str(match.url_name).endswith("_changelist"):
            rows = rows.defer(*self.deferred_in_lists)
        return rows

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what the list offers: any other column could be guessed letter by letter."""
        first = lookup.partition("__")[0]
        try:
            self.opts.get_field(first)
        except FieldDoesNotExist:
            offered = True  # Not a column: Django ignores or refuses it.
        else:
            offered = first in self._offered_lookups(request)
        return offered and "\0" not in str(value) and super().lookup_allowed(lookup, value, request)

    def _offered_lookups(self, request: HttpRequest) -> set[str]:
        names = {self.opts.pk.name, self.date_hierarchy or ""}
        for offered in self.get_list_filter(request):
            name = offered[0] if isinstance(offered, tuple | list) else offered
            if isinstance(name, str):
                names.add(name.partition("__")[0])
        return names

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        # PostgreSQL has no NUL in texts, and not every door of the search refuses it.
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))

    def _leave_out_impossible(self, request: HttpRequest) -> None:
        """What was sent as a selected row and can be none: no database is asked for it."""
        sent = request.POST.getlist(ACTION_CHECKBOX_NAME)
        chosen = [value for value in sent if self._may_be_pk(value)]
        if chosen != sent:
            post: Any = request.POST.copy()
            post.setlist(ACTION_CHECKBOX_NAME, chosen)
            request.POST = post

    def _may_be_pk(self, value: str) -> bool:
        field = self.opts.pk
        try:
            field.run_validators(field.to_python(value))
        except ValidationError:
            return False
        return "\0" not in value

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        """What a form offers to choose from is what the related list shows."""
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
        known = {"caller": request.caller, "refused": getattr(request, "refused", {})}
        return type(form.__name__, (form,), known)

    def changeform_view(
        self,
        request: Any,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, {**(extra_context or {})})
        except tuple(self.refusals) as error:
            if request.method != "POST" or hasattr(request, "refused"):
                raise
            request.refused = explain(error, self.field_of(error))
            return super().changeform_view(request, object_id, form_url, {**(extra_context or {})})
        except OverflowError as error:
            raise BadRequest("A number is larger than any that is kept here.") from error

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        self.store(request, obj, form, change)
        for button in self.get_actions_submit_line(request, obj.pk):
            if button.action_name in request.POST:
                button.method(request, obj)

    def store(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Write what the form says, through one service."""
        obj.save()

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """What a form of a service has many of, the service has written."""
        if not isinstance(form, ServiceForm):
            super().save_related(request, form, formsets, change)
            return
        for formset in formsets:
            self.save_formset(request, form, formset, change)

    # --- History ----------------------------------------------------------------------------------

    def history_view(
        self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was done through the admin; for those who read the audit, by any door."""
        context = {**(extra_context or {})}
        if request.caller.may("designs.view_auditentry"):
            kind, pk = ContentType.objects.get_for_model(self.model), unquote(object_id)
            entries = AuditEntry.objects.for_caller(request.caller)
            found = entries.filter(content_type=kind, object_pk=pk)
            context["entries"] = found.order_by("-pk")[:SHOWN_ENTRIES]
            context["entries_url"] = entries_url(kind.pk, pk)
        return super().history_view(request, object_id, context)

    # --- Deletion ---------------------------------------------------------------------------------

    @property
    def hindrances(self) -> tuple[type[Exception], ...]:
        """What stands in the way of a deletion."""
        return (ProtectedError, RestrictedError, *self.refusals)

    def reasons_to_keep(self, row: models.Model) -> list[str]:
        """Sentences that say why the row cannot be deleted; none if it can."""
        collector = Collector(using=row._state.db or "default", origin=row)
        try:
            collector.collect([row])
        except (ProtectedError, RestrictedError) as error:
            return [_kept(error)]
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Without Django's list of all that hangs on a row: it names what others must not see."""
        reasons = [f"{row}: {why}" for row in objs for why in self.reasons_to_keep(row)]
        above = [row for row in objs if not self.has_delete_permission(request, row)]
        reasons += [f"{row}: Deleting it is not for you." for row in above]
        return [str(row) for row in objs], {}, set(), reasons

    def delete_view(
        self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.hindrances as error:
            self.message_user(request, _kept(error), messages.ERROR)
            return HttpResponseRedirect(admin_url(self.row(request, object_id)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._leave_out_impossible(request)
        try:
            with transaction.atomic() if request.method == "POST" else nullcontext():
                return super().changelist_view(request, extra_context)
        except self.hindrances as error:
            self.message_user(request, _kept(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        except OverflowError:
            # A number in the address that no column holds; Django knows the other wrong values.
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")


def _kept(error: Exception) -> str:
    if not isinstance(error, ProtectedError | RestrictedError):
        return str(error)
    objects: Any = getattr(error, "protected_objects", None) or error.args[1]
    names = sorted({str(row._meta.verbose_name_plural) for row in objects})
    return KEPT.format(names=", ".join(names))


class ReadOnly:
    """Rows that are looked at only: what was published, what happened."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(ReadOnly, TabularInline):
    """Rows below their owner, to look at."""

    extra = 0
    can_delete = False
    tab = True
    hide_title = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)


def become(row: models.Model, created: models.Model) -> None:
    """Let the form's unsaved row stand for the one that a service has made."""
    row.pk = created.pk
    row._state.adding = False
    row.refresh_from_db()
