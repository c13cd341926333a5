"""A password typed where the name belongs, and a key pasted as a name, are not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from deployments.access.keys import create_key
from deployments.errors import CallbackRefused, EndpointPathInvalid
from deployments.models import ApiKey, Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.models import DesignVersion
from designs.services import create_design, publish_design
from executor.models import ModelConnection
from tests.admin_pages import text_of, url_of
from tests.documents import doubling
from tests.orchestra.signing_in import THERE, attempt, fail

pytestmark = pytest.mark.django_db

TYPED = "my-very-own-password-7"
API_KEY = "orc_1f0c9a3b_" + "x9" * 20
SHOWN_KEY = "orc_1f0c9a3b_(secret)"


def stored(*tables: str) -> str:
    with connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            found.append(str(cursor.fetchall()))
    return "".join(found)


def test_a_name_that_no_account_has_is_kept_as_a_hash_alone(
    viewer: User, administrator: User, browser_of: Callable[[User], Client]
) -> None:
    fail(TYPED, 2)
    fail(TYPED, 1, HTTP_USER_AGENT=f"Bearer {API_KEY}")
    fail("viewer", 1)
    kept = stored("axes_accessattempt", "axes_accessfailurelog")
    assert TYPED not in kept
    assert API_KEY not in kept
    assert "viewer" in kept
    names = set(AccessAttempt.objects.values_list("username", flat=True)) - {"viewer"}
    assert len(names) == 1
    assert names == set(AccessFailureLog.objects.values_list("username", flat=True)) - {"viewer"}
    browser = browser_of(administrator)
    for model in (AccessAttempt, AccessFailureLog):
        row = model.objects.exclude(username="viewer").first()
        for page in (url_of(model, "changelist"), url_of(row)):
            shown = text_of(browser.get(page))
            assert "unknown name" in shown
            assert TYPED not in shown


def test_unknown_names_are_counted_as_known_ones_are(viewer: User) -> None:
    assert fail(TYPED, 6) == fail("viewer", 6, THERE) == [422, 422, 422, 422, 429, 429]
    assert attempt("another-name").status_code == 422


def test_a_key_as_the_name_of_a_key_or_a_note_is_masked(designer: User) -> None:
    key, text = create_key(owner=designer, name=f"for {API_KEY}")
    assert key.name == ApiKey.objects.get().name == f"for {SHOWN_KEY}"
    key.name = text
    key.save()
    assert text not in stored("deployments_apikey")
    design = create_design(document=doubling(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM, note=f"with {API_KEY}")
    assert DesignVersion.objects.get().note == f"with {SHOWN_KEY}"


def test_a_key_in_a_path_or_an_address_is_refused() -> None:
    """These must be kept as they are."""
    design = create_design(document=doubling(), caller=SYSTEM)
    with pytest.raises(EndpointPathInvalid, match="looks like a key"):
        deploy_design(design=design, endpoint_path=f"/to/{API_KEY}", caller=SYSTEM)
    for url in (f"https://example.com/{API_KEY}", f"https://example.com/?token={API_KEY}"):
        with pytest.raises(CallbackRefused, match="callbacks are signed"):
            deploy_design(design=design, endpoint_path="/to", caller=SYSTEM, callback_url=url)
    row: Any = ModelConnection(name="sk-proj-abcdefgh12345678", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(Exception, match="looks like a key"):
        row.full_clean()
    assert not Deployment.objects.exists()
