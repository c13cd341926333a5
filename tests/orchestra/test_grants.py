"""Rights in the admin: nobody gives, or takes over, what they do not have themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from designs.access import GROUPS
from orchestra.admin.grants import groups_to_give, is_beyond, permissions_to_give
from tests.admin_pages import act, saved, text_of, url_of
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
# Of users and groups all, and beyond that what a viewer may.
CLERK = ("view_user", "add_user", "change_user", "delete_user", "view_group", "add_group",
         "change_group", "delete_group")  # fmt: skip


@pytest.fixture
def clerk(make_user: Callable[..., User]) -> User:
    """Staff that may change users and groups, and is no administrator."""
    group = Group.objects.create(name="Clerks")
    group.permissions.set(Permission.objects.filter(codename__in=CLERK))
    return make_user("clerk", "Clerks", "Viewer", is_staff=True)


@pytest.fixture
def browser(clerk: User, browser_of: Browser) -> Client:
    return browser_of(clerk)


def permission(name: str) -> Permission:
    app, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def rights(user: User) -> set[str]:
    return User.objects.get(pk=user.pk).get_all_permissions()


def test_what_one_has_can_be_given(browser: Client, make_user: Callable[..., User]) -> None:
    nobody = make_user("nobody")
    chosen = Group.objects.get(name="Viewer")
    saved(browser, url_of(nobody), groups=[chosen.pk])
    assert rights(nobody) == set(GROUPS["Viewer"] or ())
    one = permission("auth.view_user")
    saved(browser, url_of(nobody), user_permissions=[one.pk], groups=[chosen.pk])
    assert "auth.view_user" in rights(nobody)


@pytest.mark.parametrize("name", ["Administrator", "Operator"])
def test_no_group_is_given_that_may_more(browser: Client, clerk: User, name: str) -> None:
    before = rights(clerk)
    beyond = Group.objects.get(name=name)
    own = list(clerk.groups.values_list("pk", flat=True))
    page = saved(browser, url_of(clerk), groups=[*own, beyond.pk])
    assert "not one of the available choices" in text_of(page)
    assert rights(clerk) == before


def test_no_permission_is_given_that_one_lacks(browser: Client, clerk: User) -> None:
    before = rights(clerk)
    lacking = permission("executor.view_payload")
    page = saved(browser, url_of(clerk), user_permissions=[lacking.pk])
    assert "not one of the available choices" in text_of(page)
    own = Group.objects.get(name="Clerks")
    held = list(own.permissions.values_list("pk", flat=True))
    page = saved(browser, url_of(own), permissions=[*held, lacking.pk])
    assert "not one of the available choices" in text_of(page)
    data = {"name": "Friends", "permissions": [lacking.pk]}
    page = browser.post(url_of(Group, "add"), data, follow=True)
    assert "not one of the available choices" in text_of(page)
    assert rights(clerk) == before
    assert not Group.objects.filter(name="Friends").exists()


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("who", ["operator", "administrator", "root"])
def test_nobody_takes_over_who_may_more(
    browser: Client,
    make_user: Callable[..., User],
    who: str,
    is_active: bool,
) -> None:
    groups = () if who == "root" else (who.title(),)
    above = make_user(who, *groups, is_superuser=who == "root", is_active=is_active)
    password = {"password1": "taken over 1234", "password2": "taken over 1234"}
    for url, data in (
        (url_of(above), {"username": "mine", "is_active": "on"}),
        (f"/admin/auth/user/{above.pk}/password/", {**password, "usable_password": "true"}),
        (url_of(above, "delete"), {"post": "yes"}),
    ):
        assert browser.post(url, data).status_code == 403, url
    act(browser, above, "delete_selected", post="yes")
    above.refresh_from_db()
    assert (above.username, above.is_active) == (who, is_active)
    assert above.check_password(PASSWORD)


def test_groups_above_stay_as_they_are(browser: Client) -> None:
    for name in ("Operator", "Administrator"):
        group = Group.objects.get(name=name)
        before = group.permissions.count()
        assert browser.post(url_of(group), {"name": "Empty"}).status_code == 403
        assert browser.post(url_of(group, "delete"), {"post": "yes"}).status_code == 403
        assert Group.objects.get(name=name).permissions.count() == before


def test_nobody_makes_a_superuser(browser: Client, clerk: User) -> None:
    data = {"username": "new", "password1": PASSWORD, "password2": PASSWORD, "is_superuser": "on"}
    browser.post(url_of(User, "add"), data)
    made = User.objects.get(username="new")
    for user in (made, clerk):
        saved(browser, url_of(user), is_superuser="on", is_staff="on")
        assert not User.objects.get(pk=user.pk).is_superuser


def test_an_administrator_gives_every_group(
    administrator: User, browser_of: Browser, viewer: User
) -> None:
    browser = browser_of(administrator)
    saved(browser, url_of(viewer), groups=[row.pk for row in Group.objects.all()])
    assert viewer.groups.count() == len(GROUPS)
    assert not is_beyond(administrator, viewer)
    group = Group.objects.get(name="Viewer")
    saved(browser, url_of(group), permissions=[permission("executor.view_payload").pk])
    assert group.permissions.count() == 1


def test_who_may_everything_gives_everything(admin_client: Client, admin_user: User) -> None:
    assert permissions_to_give(admin_user).count() == Permission.objects.count()
    assert groups_to_give(admin_user).count() == Group.objects.count()
    other = User.objects.create_user("other", is_superuser=True)
    assert not is_beyond(other, admin_user)
    saved(admin_client, url_of(other), first_name="Olga")
    assert User.objects.get(pk=other.pk).first_name == "Olga"


def test_an_inactive_superuser_is_no_other(admin_client: Client, admin_user: User) -> None:
    User.objects.create_user("asleep", is_superuser=True, is_active=False)
    page = admin_client.post(url_of(admin_user, "delete"), {"post": "yes"})
    assert "Make another superuser first" in text_of(page)
    assert User.objects.filter(pk=admin_user.pk).exists()
