"""URLs of the pages of designs."""

from django.urls import path

from designs.views import (
    compare,
    edit,
    importing,
    lists,
    new,
    place,
    played,
    presence,
    reference,
    samples,
    verbs,
    versions,
)

app_name = "designs"

urlpatterns = [
    path("", lists.design_list, name="design-list"),
    path("new/", new.design_new, name="design-new"),
    path("import/", importing.design_import, name="design-import"),
    path("samples/", samples.sample_list, name="sample-list"),
    path("samples/<slug:slug>/use/", samples.sample_use, name="sample-use"),
    path("played/", played.design_played, name="design-played"),
    path("expressions/", reference.expression_reference, name="expression-reference"),
    path("<uuid:pk>/", edit.design_edit, name="design-edit"),
    path("<uuid:pk>/save/", edit.design_save, name="design-save"),
    path("<uuid:pk>/publish/", edit.design_publish, name="design-publish"),
    path("<uuid:pk>/export/", verbs.design_export, name="design-export"),
    path("<uuid:pk>/clone/", verbs.design_clone, name="design-clone"),
    path("<uuid:pk>/delete/", verbs.design_delete, name="design-delete"),
    path("<uuid:pk>/versions/", versions.version_list, name="version-list"),
    path("<uuid:pk>/versions/restore/", versions.version_restore, name="version-restore"),
    path("<uuid:pk>/compare/", compare.version_compare, name="version-compare"),
    path("<uuid:pk>/compare/take/", compare.version_take, name="version-take"),
    path("<uuid:pk>/place/", place.design_place, name="design-place"),
    path("<uuid:pk>/presence/", presence.design_presence, name="design-presence"),
]
