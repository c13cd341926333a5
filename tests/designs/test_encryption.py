"""Secrets at rest: what is stored, who opens it, what shows it, and how keys are changed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.forms import modelform_factory

from designs.secrets.encryption import Secret, SecretUnreadable, fernet_key, rotate_encryption
from executor.models import ModelConnection
from orchestra.env import read_environment

pytestmark = pytest.mark.django_db
CANARY = "sk-canary-7f3a91c4-ä\n"
URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def keys(settings: Any) -> Callable[..., None]:
    """Sets the installation's encryption keys."""

    def use(*found: str) -> None:
        settings.ENVIRONMENT = replace(settings.ENVIRONMENT, encryption_keys=found)

    return use


def stored() -> list[str]:
    """The column as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM executor_modelconnection ORDER BY id")
        return [text for (text,) in cursor.fetchall()]


def make(name: str = "vllm", key: str = CANARY) -> ModelConnection:
    return ModelConnection.objects.create(name=name, base_url=URL, api_key=key)


def reading(name: str = "vllm") -> ModelConnection:
    return ModelConnection.objects.get(name=name)


def test_what_was_written_is_read_and_the_database_has_no_word_of_it() -> None:
    make()
    assert reading().api_key.reveal() == CANARY
    assert ModelConnection.objects.defer("api_key").get().api_key.reveal() == CANARY
    assert "canary" not in stored()[0]


def test_equal_secrets_are_stored_as_different_texts() -> None:
    make("one")
    make("two")
    assert len(set(stored())) == 2


def test_no_secret_is_stored_as_nothing() -> None:
    make(key="")
    assert stored() == [""]
    assert not reading().api_key
    assert reading().api_key.reveal() == ""


def test_saving_something_else_leaves_it_as_it_is() -> None:
    make()
    before = stored()
    row = reading()
    row.default_model = "small"
    row.save()
    assert stored() == before


def test_nothing_shows_it() -> None:
    row = make()
    fresh = reading()
    fresh.api_key.reveal()
    for found in (row, fresh):
        shown = f"{found.api_key} {found.api_key!r} {[found.api_key]} {vars(found)}"
        assert "canary" not in shown
    assert "canary" not in str(ModelConnection.objects.values_list("api_key"))
    with pytest.raises(TypeError):
        json.dumps({"key": fresh.api_key})


def test_caches_and_queues_get_the_encrypted_text() -> None:
    row = make()
    for found in (pickle.dumps(row), pickle.dumps(Secret(CANARY))):
        assert b"canary" not in found
    assert pickle.loads(pickle.dumps(row)).api_key.reveal() == CANARY  # noqa: S301
    assert copy.deepcopy(row).api_key.reveal() == CANARY


def test_no_form_has_it_and_no_search_finds_it() -> None:
    assert "api_key" not in modelform_factory(ModelConnection, fields="__all__").base_fields
    make()
    for lookup in ("api_key", "api_key__startswith", "api_key__icontains"):
        with pytest.raises(FieldError):
            ModelConnection.objects.filter(**{lookup: "sk"}).first()


def test_a_dump_is_encrypted_and_loads_again(tmp_path: Any) -> None:
    make()
    out = StringIO()
    call_command("dumpdata", "executor.modelconnection", stdout=out)
    assert "canary" not in out.getvalue()
    ModelConnection.objects.all().delete()
    file = tmp_path / "dump.json"
    file.write_text(out.getvalue())
    call_command("loaddata", str(file), verbosity=0)
    assert reading().api_key.reveal() == CANARY


def test_bulk_writes_are_encrypted() -> None:
    ModelConnection.objects.bulk_create([ModelConnection(name="a", api_key=CANARY)])
    make("b", "")
    ModelConnection.objects.filter(name="b").update(api_key=CANARY)
    assert not any("canary" in text for text in stored())
    assert [row.api_key.reveal() for row in ModelConnection.objects.all()] == [CANARY] * 2


def test_keys_change_by_rotation(keys: Callable[..., None]) -> None:
    keys("old")
    make("one")
    make("two", key="")
    keys("new", "old")
    make("three")
    assert reading("one").api_key.reveal() == CANARY
    out = StringIO()
    call_command("rotate_encryption", stdout=out)
    assert out.getvalue() == "2 secrets are encrypted with the first key.\n"
    keys("new")
    assert reading("one").api_key.reveal() == reading("three").api_key.reveal() == CANARY
    keys("old")
    with pytest.raises(SecretUnreadable):
        reading("one").api_key.reveal()


def test_rotation_names_what_it_cannot_open_and_does_the_rest(keys: Callable[..., None]) -> None:
    keys("lost")
    make("gone")
    keys("kept")
    make("here")
    keys("new", "kept")
    with pytest.raises(CommandError, match=r"these: model connection 'gone' \(api_key"):
        call_command("rotate_encryption", stdout=StringIO())
    keys("new")
    assert reading("here").api_key.reveal() == CANARY
    assert rotate_encryption().renewed == 1


@pytest.mark.parametrize("damaged", ["fernet:", "fernet:x", "plain text", "fernet:gAAAA💥"])
def test_what_no_key_opens_is_a_sentence_and_its_row_is_usable(damaged: str) -> None:
    make()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executor_modelconnection SET api_key = %s", [damaged])
    row = reading()
    assert CANARY not in f"{row} {row.api_key}"
    with pytest.raises(SecretUnreadable, match="ORCHESTRA_ENCRYPTION_KEYS"):
        row.api_key.reveal()
    row.api_key = "typed anew"
    row.save()
    assert reading().api_key.reveal() == "typed anew"


def test_a_fernet_key_is_used_as_it_is_and_any_other_text_is_stretched() -> None:
    ready = Fernet.generate_key()
    assert fernet_key(ready.decode()) == ready
    for text in ("a", "ä", "x" * 43, "x" * 44, "a b", ready.decode().rstrip("=")):
        found = fernet_key(text)
        assert found == fernet_key(text) != text.encode()
        Fernet(found)
    assert fernet_key("a") == b"Pkt78hBZD9DFybvJWF0Gs7-E397_RmE_eISJRkUCrEQ="


def test_an_installation_without_any_key_does_not_start(tmp_path: Any) -> None:
    variables = {"ORCHESTRA_DATA": str(tmp_path), "ORCHESTRA_ENCRYPTION_KEYS": " , "}
    with pytest.raises(ImproperlyConfigured, match="ORCHESTRA_ENCRYPTION_KEYS holds no key"):
        read_environment(variables)
