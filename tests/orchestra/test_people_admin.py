"""People and groups in the admin: rights in words, and nobody lifts themselves above others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import GROUPS, SYSTEM
from designs.services import create_design
from orchestra.sign_in.words import ABILITIES, words_for
from tests.admin_pages import act, saved, text_of, url_of
from tests.conftest import PASSWORD
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def test_a_person_is_made_and_put_into_a_group(browser: Client) -> None:
    saved(browser, url_of(User, "add"), username="ada", password1=PASSWORD, password2=PASSWORD)
    ada = User.objects.get(username="ada")
    assert ada.check_password(PASSWORD)
    assert "Nothing yet: add a group." in text_of(browser.get(url_of(ada)))
    saved(browser, url_of(ada), groups=[Group.objects.get(name="Designer").pk])
    assert ada.has_perm("designs.publish_design")
    assert "Create, edit and publish designs" in text_of(browser.get(url_of(ada)))


def test_weak_passwords_are_refused(browser: Client) -> None:
    page = saved(browser, url_of(User, "add"), username="ada", password1="1", password2="1")
    assert "too short" in text_of(page)
    assert not User.objects.filter(username="ada").exists()


def test_a_password_is_set_anew(browser: Client, viewer: User) -> None:
    url = f"/admin/auth/user/{viewer.pk}/password/"
    new = "another horse battery staple"
    browser.post(url, {"password1": new, "password2": new, "usable_password": "true"})
    viewer.refresh_from_db()
    assert viewer.check_password(new)


def test_who_is_no_superuser_makes_none(
    browser: Client, administrator: User, make_user: Callable[..., User]
) -> None:
    saved(browser, url_of(administrator), is_superuser="on")
    administrator.refresh_from_db()
    assert not administrator.is_superuser
    root = make_user("root", is_superuser=True)
    assert browser.post(url_of(root), {"username": "mine"}).status_code == 403
    password = {"password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(f"/admin/auth/user/{root.pk}/password/", password).status_code == 403
    assert browser.post(url_of(root, "delete"), {"post": "yes"}).status_code == 403


def test_who_may_not_change_groups_gives_none(
    make_user: Callable[..., User], browser_of: Browser
) -> None:
    group = Group.objects.create(name="Clerks")
    group.permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    clerk = make_user("clerk", "Clerks", is_staff=True)
    browser = browser_of(clerk)
    everything = Group.objects.get(name="Administrator")
    saved(browser, url_of(clerk), groups=[everything.pk], first_name="Cleo")
    clerk.refresh_from_db()
    assert clerk.first_name == "Cleo"
    assert list(clerk.groups.all()) == [group]


def test_selected_people_do_not_include_those_above(
    browser: Client, make_user: Callable[..., User]
) -> None:
    root, other = (make_user(name, is_superuser=True) for name in ("root", "other"))
    page = act(browser, root, "delete_selected", post="yes")
    assert "You are not allowed to delete it." in text_of(page)
    assert User.objects.filter(pk__in=(root.pk, other.pk)).count() == 2


def test_the_last_superuser_stays(admin_client: Client, admin_user: User) -> None:
    act(admin_client, admin_user, "delete_selected", post="yes")
    page = admin_client.post(url_of(admin_user, "delete"), {"post": "yes"})
    assert "Make another superuser first" in text_of(page)
    assert User.objects.filter(pk=admin_user.pk).exists()


def test_each_group_says_what_it_may(browser: Client) -> None:
    page = text_of(browser.get(url_of(Group, "changelist")))
    for words, _ in ABILITIES:
        assert words.replace("'", "&#x27;") in page
    assert words_for(GROUPS["Viewer"] or ()) == ["See designs, deployments and the history"]
    assert len(words_for(GROUPS["Deployer"] or ())) == 5
    partly = words_for(["deployments.add_deployment"])
    assert [line.partition(" – ")[2][:12] for line in partly] == ["partly; miss"]


def test_every_permission_of_a_group_has_its_words() -> None:
    told = {name for _, needed in ABILITIES for name in needed}
    assert told >= {name for names in GROUPS.values() for name in names or ()}


def test_a_group_that_limits_a_deployment_stays(browser: Client) -> None:
    group = Group.objects.create(name="Board")
    design = create_design(document=doubling(), caller=SYSTEM)
    deploy_design(design=design, endpoint_path="/plans", caller=SYSTEM, groups=[group])
    assert "they would be open to all" in text_of(browser.get(url_of(group, "delete")))
    browser.post(url_of(group, "delete"), {"post": "yes"})
    act(browser, group, "delete_selected", post="yes")
    assert list(Deployment.objects.get().groups.all()) == [group]
    other = Group.objects.create(name="Other")
    browser.post(url_of(other, "delete"), {"post": "yes"})
    assert not Group.objects.filter(name="Other").exists()


def test_others_see_neither_people_nor_groups(
    make_user: Callable[..., User], browser_of: Browser
) -> None:
    browser = browser_of(make_user("dora", "Deployer", "Designer", is_staff=True))
    for model in (User, Group):
        assert browser.get(url_of(model, "changelist")).status_code == 403
        assert browser.get(url_of(model, "add")).status_code == 403
