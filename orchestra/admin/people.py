"""The admin of people and groups, with their permissions in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import Http404, HttpRequest, HttpResponse
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from deployments.models import Deployment
from designs.access import Caller
from designs.admin.base import OrchestraAdmin
from designs.admin.shown import badge, sentences
from orchestra.admin.grants import groups_to_give, is_beyond, permissions_to_give
from orchestra.sign_in import views as sign_in
from orchestra.sign_in.admin import AccessAttemptAdmin as AccessAttemptAdmin
from orchestra.sign_in.words import words_for

admin.site.unregister([User, Group])
admin.site.index_title = "Overview"


def no_search(request: HttpRequest) -> HttpResponse:
    """The theme's search of model names is not offered, and fails on odd page numbers."""
    raise Http404


admin.site.search = no_search  # type: ignore[attr-defined]

# The admin has no sign-in of its own, and no page for one's own password.
admin.site.has_permission = sign_in.refuse_others  # type: ignore[method-assign]
admin.site.login = sign_in.admin_sign_in  # type: ignore[method-assign,assignment]
admin.site.logout = sign_in.admin_sign_out  # type: ignore[method-assign,assignment]
admin.site.password_change = sign_in.admin_password  # type: ignore[method-assign,assignment]

# To grant a group is to grant rights, also to oneself.
RIGHTS = ("groups", "user_permissions")


class Granting(OrchestraAdmin):
    """Rows with rights: they can be changed only by people who have all of those rights."""

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_within(request, obj)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_within(request, obj)

    @staticmethod
    def _is_within(request: Any, obj: Any) -> bool:
        return obj is None or not is_beyond(obj, request.user)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = groups_to_give(request.user)
        elif db_field.name in ("permissions", "user_permissions"):
            kwargs["queryset"] = permissions_to_give(request.user).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def names_of(permissions: Iterable[Any]) -> list[str]:
    return [f"{row.content_type.app_label}.{row.codename}" for row in permissions]


@admin.register(User)
class UserAdmin(Granting, DjangoUserAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "person", "in_groups", "standing", "last_login")
    list_filter = (
        ("is_active", BooleanRadioFilter),
        ("is_staff", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
        "groups",
    )
    list_select_related = ()
    date_hierarchy = "date_joined"
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "words")}),
        ("Single permissions", {"fields": ("user_permissions",), "classes": ("tab",)}),
        ("Dates", {"fields": ("last_login", "date_joined"), "classes": ("tab",)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)
    readonly_fields = ("words", "last_login", "date_joined")

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.prefetch_related("groups")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj)]
        if not request.user.is_superuser:
            fields.append("is_superuser")
        if not request.caller.may("auth.change_group"):
            fields.extend(RIGHTS)
        return fields

    def reasons_to_keep(self, row: Any) -> list[str]:
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=row.pk)
        if row.is_superuser and not others.exists():
            return ["Nobody else may everything. Make another superuser first."]
        return super().reasons_to_keep(row)

    @display(description="Name")
    def person(self, user: User) -> str:
        return user.get_full_name()

    @display(description="Groups")
    def in_groups(self, user: User) -> str:
        return sentences(badge(group.name, "primary") for group in user.groups.all())

    @display(description="Standing")
    def standing(self, user: User) -> str:
        if not user.is_active:
            return badge("Inactive")
        if user.is_superuser:
            return badge("Superuser", "warning")
        return badge("Staff", "info") if user.is_staff else badge("Active", "success")

    @display(description="May")
    def words(self, user: User) -> str:
        if user.is_superuser:
            return "May everything, and sees what is limited to groups."
        if not user.is_active:
            return "May nothing while inactive."
        return sentences(words_for(user.get_all_permissions()), empty="Nothing yet: add a group.")


@admin.register(Group)
class GroupAdmin(Granting, DjangoGroupAdmin):
    list_display = ("name", "words")
    fieldsets = ((None, {"fields": ("name", "words", "permissions")}),)
    readonly_fields = ("words",)

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def reasons_to_keep(self, row: Any) -> list[str]:
        if Deployment.groups.through.objects.filter(group_id=row.pk).exists():
            return ["Deployments are limited to it. Without it they would be open to all."]
        return []

    @display(description="May")
    def words(self, group: Group) -> str:
        if group._state.adding:
            return "Nothing yet."
        return sentences(words_for(names_of(group.permissions.all())), empty="Nothing yet.")
