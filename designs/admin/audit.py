"""The admin of the audit: read-only, with filters and export as files."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.http import StreamingHttpResponse as Stream
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, DropdownFilter, FieldTextFilter
from unfold.decorators import display

from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import TimeRangeFilter
from designs.admin.growing import BoundedPaginator, with_quick_dates
from designs.admin.shown import EMPTY, badge, before_after, entries_url, json_block, link, sentences
from designs.auditing.audit import Action, kinds, note
from designs.auditing.files import csv_lines, json_lines
from designs.models import AuditEntry
from designs.requests import PageRequest
from designs.runtime.threads import read_in_threads, stream_response

# auditlog's own admin has neither our design nor our permissions.
admin.site.unregister(AuditEntry)

FORMATS = {
    "csv": (csv_lines, "text/csv; charset=utf-8"),
    "jsonl": (json_lines, "application/jsonl; charset=utf-8"),
}
BADGES = {
    Action.CREATE: "success",
    Action.UPDATE: "info",
    Action.DELETE: "danger",
    Action.CANCEL: "warning",
    Action.UNDEPLOY: "danger",
    Action.REVOKE: "danger",
    Action.SIGN_IN_FAILED: "warning",
}
MAX_NAMED = 4


class KindFilter(DropdownFilter):
    title = "what"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(kind.pk), capfirst(kind.name)) for kind in kinds()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        chosen = self.value()
        if chosen in dict(self.lookup_choices):
            return queryset.filter(content_type=chosen)
        return queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, OrchestraAdmin):
    list_display = ("when", "who", "address", "verb", "kind", "object_link", "fields_text")
    list_filter = (
        ("actor_name", FieldTextFilter),
        KindFilter,
        ("action", ChoicesCheckboxFilter),
        ("timestamp", TimeRangeFilter),
    )
    search_fields = ("object_repr", "object_pk", "actor_name", "key_name", "cid", "remote_addr")
    search_help_text = "Name or id of what was changed, person, key, address or correlation id."
    date_hierarchy = "timestamp"
    paginator = BoundedPaginator
    ordering = ("-id",)
    list_before_template = "admin/designs/auditentry/list_before.html"
    # Of links on this page and other pages.
    linked_lookups = ("content_type", "object_pk", "cid", "key_id", "actor")
    fields = (
        "when", "who", "address", "verb", "kind", "object_link", "history_link",
        "changes_text", "details_text", "together",
    )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        return with_quick_dates(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export)
        name = "designs_auditentry_export"
        own: list[URLPattern] = [path("export/<str:form>/", view, name=name)]
        return own + super().get_urls()

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            # For `changes_text`, which gets only the row.
            entry.reader = request.caller
        return entry

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="When", ordering="timestamp")
    def when(self, entry: AuditEntry) -> Any:
        return entry.timestamp

    @display(description="From", ordering="remote_addr")
    def address(self, entry: AuditEntry) -> str:
        return entry.remote_addr or EMPTY

    @display(description="Who", ordering="actor_name")
    def who(self, entry: AuditEntry) -> str:
        name = entry.actor_name
        if entry.actor_id is not None:
            name = link(reverse("admin:auth_user_change", args=[entry.actor_id]), name)
        return sentences([name, f"with key {entry.key_name}"]) if entry.key_name else name

    @display(description="Did", ordering="action")
    def verb(self, entry: AuditEntry) -> str:
        action = Action(entry.action)
        return badge(str(action.label), BADGES.get(action, ""))

    @display(description="What")
    def kind(self, entry: AuditEntry) -> str:
        return capfirst(entry.what)

    @display(description="Object", ordering="object_repr")
    def object_link(self, entry: AuditEntry) -> str:
        page = entry.model.replace(".", "_")
        text = entry.object_repr or EMPTY
        if not entry.object_pk or entry.action == Action.DELETE:
            return text
        try:
            return link(reverse(f"admin:{page}_change", args=[entry.object_pk]), text)
        except NoReverseMatch:
            return text

    @display(description="Changed")
    def fields_text(self, entry: AuditEntry) -> str:
        names = entry.changed
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        return ", ".join(names[:MAX_NAMED]) + more or EMPTY

    @display(description="All of this object")
    def history_link(self, entry: AuditEntry) -> str:
        if not entry.object_pk:
            return EMPTY
        return link(entries_url(entry.content_type_id, entry.object_pk), "Its changes")

    @display(description="Before and after")
    def changes_text(self, entry: Any) -> str:
        return before_after(entry.changes_for(entry.reader))

    @display(description="Details")
    def details_text(self, entry: AuditEntry) -> str:
        return json_block(entry.additional_data)

    @display(description="Correlation id")
    def together(self, entry: AuditEntry) -> str:
        if not entry.cid:
            return EMPTY
        url = reverse("admin:designs_auditentry_changelist")
        return link(f"{url}?cid={entry.cid}", entry.cid)

    # --- Files ------------------------------------------------------------------------------------

    def export(self, request: PageRequest, form: str) -> HttpResponseBase:
        """The filtered list as a file, streamed while it is read."""
        if form not in FORMATS:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except (IncorrectLookupParameters, OverflowError):
            return HttpResponseRedirect(reverse("admin:designs_auditentry_changelist") + "?e=1")
        note(Action.EXPORT, AuditEntry, form=form, filter=request.GET.urlencode()[:1000])
        make, content_type = FORMATS[form]
        lines = make(rows, request.caller)
        response: Stream
        if isinstance(request, ASGIRequest):
            response = stream_response(read_in_threads(lines), content_type)
        else:
            response = Stream(lines, content_type=content_type)
        name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
