"""The admin of designs: drafts as JSON, publishing, copies, export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from designs.admin.base import OrchestraAdmin, ReadOnlyInline, become
from designs.admin.fields import JsonObjectField
from designs.admin.refusals import DESIGN_REFUSALS, ServiceForm, explain, problem_line
from designs.admin.shown import admin_url, badge, json_block, row_link, sentences
from designs.admin.verbs import ActionResult, page_verb, posted
from designs.errors import DesignInUse, DesignInvalid, DraftChanged
from designs.models import Design, DesignVersion, DraftCheckpoint
from designs.patterns.hints import hints
from designs.requests import PageRequest, file_answer
from designs.services import (
    IN_USE,
    change_draft,
    check_draft,
    copy_design,
    create_design,
    delete_design,
    export_design,
    publish_design,
)

EMPTY_DOCUMENT = {
    "schema": 1,
    "name": "New design",
    "blocks": [{"id": "echo", "type": "transform", "settings": {"expression": "input"}}],
}


class DesignForm(ServiceForm):
    document = JsonObjectField(
        rows=28,
        label="Draft",
        help_text="The whole design as JSON. A draft may have problems; they are listed when it is "
        "saved, and must be gone before it is published.",
    )
    base_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Design
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        new = self.instance._state.adding
        self.initial.setdefault("document", EMPTY_DOCUMENT if new else self.instance.draft)
        self.initial["base_revision"] = None if new else self.instance.revision


class PublishForm(forms.Form):
    """`revision`: what the person has seen is published, or nothing."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="What is new in this version.",
    )


class VersionInline(ReadOnlyInline):
    model = DesignVersion
    fields = ("version", "note", "created_by", "created_at")
    ordering = ("-number",)
    verbose_name_plural = "Versions"

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).defer("document")
        return rows.select_related("created_by")

    @display(description="Version")
    def version(self, version: DesignVersion) -> str:
        return row_link(version, f"v{version.number}")


class CheckpointInline(ReadOnlyInline):
    model = DraftCheckpoint
    fields = ("state", "reason", "author", "created_at")
    ordering = ("-pk",)
    verbose_name_plural = "Draft history"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("document").select_related("author")

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.caller.may("designs.view_design"))

    @display(description="State")
    def state(self, checkpoint: DraftCheckpoint) -> str:
        return row_link(checkpoint, f"r{checkpoint.revision}")


@admin.register(Design)
class DesignAdmin(OrchestraAdmin):
    form = DesignForm
    list_display = ("name", "about", "published", "created_by", "created_at", "updated_at")
    list_filter = (("created_by", admin.RelatedOnlyFieldListFilter), "updated_at")
    list_select_related = ("created_by",)
    search_fields = ("name", "description")
    date_hierarchy = "updated_at"
    deferred_in_lists = ("draft",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "description",
                    "published",
                    "problems",
                    "document",
                    "base_revision",
                )
            },
        ),
        ("Made", {"fields": ("created_by", "created_at", "updated_at"), "classes": ("tab",)}),
    )
    add_fieldsets = ((None, {"fields": ("document",)}),)
    readonly_fields = (
        "name", "description", "published", "problems", "created_by", "created_at", "updated_at",
    )  # fmt: skip
    inlines = (VersionInline, CheckpointInline)
    actions_detail = ("open_designer", "publish", "clone", "export")
    actions_submit_line = ("save_and_publish",)
    refusals = {**DESIGN_REFUSALS, DesignInUse: "", DraftChanged: ""}

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).with_latest_version()

    def get_inlines(self, request: HttpRequest, obj: Design | None) -> Any:
        return self.inlines if obj else ()

    @display(description="Description")
    def about(self, design: Design) -> str:
        text = design.description
        return f"{text[:97]}…" if len(text) > 98 else text

    @display(description="Published", ordering="latest_version")
    def published(self, design: Any) -> str:
        number = design.latest_version
        return badge("Never published") if number is None else badge(f"v{number}", "success")

    @display(description="Problems")
    def problems(self, design: Design) -> str:
        checked = check_draft(design)
        return sentences(
            (problem_line(problem) for problem in (*checked.problems, *hints(checked.graph))),
            empty="None: this draft can be published.",
        )

    @display(description="Draft")
    def document(self, design: Design) -> str:
        """For callers who may not change the design; the form has a field of this name."""
        return json_block(design.draft)

    @display(description="Revision")
    def base_revision(self, design: Design) -> int:
        """Like `document`."""
        return design.revision

    def store(self, request: Any, obj: Design, form: Any, change: bool) -> None:
        document, base = form.cleaned_data["document"], form.cleaned_data["base_revision"]
        if change:
            revisions = None if base is None else {base}
            given = {"document": document, "revisions": revisions}
            change_draft(design=obj, caller=request.caller, **given)
        else:
            become(obj, create_design(document=document, caller=request.caller))
        count = len(check_draft(obj).problems)
        if count and "designs_design_save_and_publish" not in request.POST:
            what = "one problem" if count == 1 else f"{count} problems"
            self.message_user(
                request,
                f"The draft is saved. It has {what}, which you find listed on its page.",
                messages.WARNING,
            )

    def reasons_to_keep(self, row: Any) -> list[str]:
        return [IN_USE] if row.is_referred_to() else []

    def delete_model(self, request: HttpRequest, obj: Design) -> None:
        delete_design(design=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for design in queryset:
            delete_design(design=design)

    # --- Verbs ------------------------------------------------------------------------------------

    def has_publish_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("designs.publish_design")

    def has_clone_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("designs.add_design")

    @action(
        description="Open in the designer", url_path="open", permissions=["view"], icon="schema"
    )
    def open_designer(self, request: PageRequest, object_id: str) -> HttpResponse:
        return redirect("designs:design-edit", pk=self.row(request, object_id).pk)

    @action(
        description="Publish",
        url_path="publish",
        permissions=["publish"],
        icon="publish",
        variant=ActionVariant.PRIMARY,
    )
    def publish(self, request: PageRequest, object_id: str) -> HttpResponse:
        design = self.row(request, object_id)

        def act(data: dict[str, Any]) -> ActionResult:
            version = publish_design(
                design=design,
                caller=request.caller,
                note=data["note"],
                revisions=(data["revision"],),
            )
            return ActionResult(f"Version {version.number} of {design} is published.")

        text = (
            "The draft becomes the next version, which is never changed. Deployments stay on "
            "theirs until they are moved to it."
        )
        return self.ask(
            request,
            design,
            act,
            title=f"Publish {design}",
            text=" ".join([text, *(hint.message for hint in hints(check_draft(design).graph))]),
            button="Publish",
            form=PublishForm(posted(request), initial={"revision": design.revision}),
        )

    @action(description="Save and publish", permissions=["publish"])
    def save_and_publish(self, request: PageRequest, design: Design) -> None:
        try:
            version = publish_design(
                design=design, caller=request.caller, revisions=(design.revision,)
            )
        except DraftChanged as error:
            who = error.changed_by or "The installation"
            sentence = f"The draft is saved, but not published: {who} has changed it since."
            self.message_user(request, sentence, messages.WARNING)
        except DesignInvalid as error:
            self.message_user(
                request,
                "The draft is saved, but not published. " + " ".join(explain(error, "")[""][:5]),
                messages.WARNING,
            )
        else:
            self.message_user(request, f"Version {version.number} is published.", messages.SUCCESS)
            for hint in hints(check_draft(design).graph):
                self.message_user(request, hint.message, messages.WARNING)

    @page_verb(
        "Clone", "clone", icon="content_copy", title="Clone {row}",
        text="The draft is copied into a new design. Versions and deployments are not.",
        button="Clone",
    )  # fmt: skip
    def clone(self, request: PageRequest, row: Design, data: dict[str, Any]) -> ActionResult:
        copy = copy_design(design=row, caller=request.caller)
        return ActionResult(f"“{copy}” is a copy of {row}.", admin_url(copy))

    @action(description="Export JSON", url_path="export", permissions=["view"], icon="download")
    def export(self, request: PageRequest, object_id: str) -> HttpResponse:
        design = self.row(request, object_id)
        return file_answer(export_design(design), design.file_name)
