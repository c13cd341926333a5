"""URLs of the pages of designs."""

from django.urls import path

from designs.views import compare, edit, lists, new, place, presence, versions

app_name = "designs"

urlpatterns = [
    path("", lists.design_list, name="design-list"),
    path("new/", new.design_new, name="design-new"),
    path("<uuid:pk>/", edit.design_edit, name="design-edit"),
    path("<uuid:pk>/save/", edit.design_save, name="design-save"),
    path("<uuid:pk>/publish/", edit.design_publish, name="design-publish"),
    path("<uuid:pk>/versions/", versions.version_list, name="version-list"),
    path("<uuid:pk>/versions/restore/", versions.version_restore, name="version-restore"),
    path("<uuid:pk>/compare/", compare.version_compare, name="version-compare"),
    path("<uuid:pk>/compare/take/", compare.version_take, name="version-take"),
    path("<uuid:pk>/place/", place.design_place, name="design-place"),
    path("<uuid:pk>/presence/", presence.design_presence, name="design-presence"),
]
