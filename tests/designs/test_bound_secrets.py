"""A stored secret opens at its own place only: whoever writes the database cannot move it."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from deployments.callbacks.deliveries import change_secret
from deployments.models import CallbackSecret, Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.secrets.encryption import BOUND, PREFIX, Secret, SecretElsewhere, rotate_encryption
from designs.services import create_design
from executor.connections import save_connection
from executor.models import ModelConnection
from tests.documents import doubling

pytestmark = pytest.mark.django_db
KEY = "first key of a connection"
URL = "http://127.0.0.1:9/v1"


def made(name: str = "vllm", key: str = KEY) -> ModelConnection:
    row = ModelConnection(name=name, base_url=URL)
    save_connection(connection=row, new_key=key)
    return row


def stored(name: str = "vllm") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM executor_modelconnection WHERE name = %s", [name])
        return str(cursor.fetchone()[0])


def write(name: str, token: str) -> None:
    with connection.cursor() as cursor:
        change = "UPDATE executor_modelconnection SET api_key = %s WHERE name = %s"
        cursor.execute(change, [token, name])


def read(name: str = "vllm") -> Secret:
    found: Secret = ModelConnection.objects.get(name=name).api_key
    return found


def test_a_key_moved_to_another_row_is_not_read() -> None:
    made()
    made("theirs", "another key")
    write("theirs", stored())
    with pytest.raises(SecretElsewhere, match="another row"):
        read("theirs").reveal()
    assert read().reveal() == KEY
    # Nor by a copy of the stored text without its row.
    with pytest.raises(SecretElsewhere):
        Secret(token=stored()).reveal()


def test_a_secret_moved_to_another_column_is_not_read() -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    deployment: Deployment = deploy_design(design=design, endpoint_path="/x", caller=SYSTEM)
    first = change_secret(deployment=deployment)
    second = change_secret(deployment=deployment, overlap_seconds=60)
    # A move by the installation itself is sealed for its new place.
    assert CallbackSecret.objects.get().texts == [second, first]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE deployments_callbacksecret SET secret = previous")
    with pytest.raises(SecretElsewhere):
        _ = CallbackSecret.objects.get().texts


@pytest.mark.parametrize("turned", [pickle.loads, None], ids=["pickled", "copied"])
def test_rows_that_are_copied_and_saved_again_keep_it(turned: Callable[..., Any] | None) -> None:
    row = made()
    twin = turned(pickle.dumps(row)) if turned else copy.deepcopy(row)
    assert twin.api_key.reveal() == KEY
    before = stored()
    twin.save()
    assert stored() == before
    assert before.startswith(BOUND)
    twin.pk, twin.name = None, "twin"
    twin.save(force_insert=True)
    assert read("twin").reveal() == KEY
    assert stored("twin").startswith(BOUND)


def test_what_was_stored_before_is_read_and_bound_by_a_rotation() -> None:
    made()
    old = Secret(KEY).token
    assert old.startswith(PREFIX)
    assert not old.startswith(BOUND)
    write("vllm", old)
    assert read().reveal() == KEY
    assert rotate_encryption().renewed == 1
    assert stored().startswith(BOUND)
    assert read().reveal() == KEY


def test_a_moved_one_is_named_by_the_rotation_and_typed_anew() -> None:
    made()
    made("theirs", "another key")
    write("theirs", stored())
    done = rotate_encryption()
    assert done.renewed == 1
    assert len(done.unreadable) == 1
    assert "theirs" in done.unreadable[0]
    save_connection(connection=ModelConnection.objects.get(name="theirs"), new_key="typed anew")
    assert read("theirs").reveal() == "typed anew"
