"""Secrets at rest: a model field for encrypted text, and the installation's keys."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_save

from designs.secrets import masking

# Tells a stored value from a text that was typed.
PREFIX = "fernet:"
# A bound value includes its place (table, column and row), and can be opened there only.
BOUND = "fernet:bound:"
# Fixed, because it could only be stored next to the key; it separates this use from others.
SALT = b"orchestra: secrets at rest"


class SecretUnreadable(Exception):
    """No key of the installation decrypts the stored value."""

    reason = (
        "it was encrypted with a key that ORCHESTRA_ENCRYPTION_KEYS no longer holds. Add that key "
        "again, or enter the secret again."
    )

    def __str__(self) -> str:
        return f"The stored secret cannot be read: {self.reason}"


class SecretElsewhere(SecretUnreadable):
    """The stored value belongs to another row or column."""

    reason = "it was encrypted for another row, and moved in the database. Enter the secret again."


class Secret:
    """A text that only `reveal` returns; it prints as a mask. An empty one is false.

    Pickles and copies hold the encrypted text, so that no cache or queue holds more. A process
    masks every secret that it has encrypted or decrypted in all texts that it writes.
    """

    __slots__ = ("_text", "_token", "place")

    def __init__(self, text: str = "", *, token: str = "", place: str = "") -> None:
        masking.learn(text)
        self._text = text
        self._token = token
        # Table, column and row (see `place_of`).
        self.place = place

    @property
    def token(self) -> str:
        if not self._token and self._text:
            ring = _keyring(settings.ENVIRONMENT.encryption_keys)
            bound = f"{self.place}\n{self._text}" if self.place else self._text
            sealed = ring.encrypt(bound.encode()).decode()
            self._token = (BOUND if self.place else PREFIX) + sealed
        return self._token

    def reveal(self) -> str:
        """The text itself. Raises SecretUnreadable."""
        if not self._text and self._token:
            sealed = self._token.removeprefix(BOUND).removeprefix(PREFIX).encode()
            try:
                text = _keyring(settings.ENVIRONMENT.encryption_keys).decrypt(sealed).decode()
            except InvalidToken:
                raise SecretUnreadable from None
            # Others were written before secrets were bound; the next rotation binds them.
            if self._token.startswith(BOUND):
                place, _, text = text.partition("\n")
                if place != self.place:
                    raise SecretElsewhere
            self._text = text
            masking.learn(text)
        return self._text

    def at(self, place: str) -> Secret:
        """The same text for this place. One that no key decrypts is returned unchanged."""
        if not self or self.place == place:
            return self
        if not self.place and self._token:
            # Just loaded from the database, which does not tell the place.
            self.place = place
            return self
        try:
            return Secret(self.reveal(), place=place)
        except SecretUnreadable:
            return self

    def __bool__(self) -> bool:
        return bool(self._text or self._token)

    def __eq__(self, other: object) -> bool:
        """Compares stored values, so that a row read again does not count as changed."""
        return isinstance(other, Secret) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return masking.MASK if self else ""

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(Secret, token=self.token), ()


class _SecretAttribute(DeferredAttribute):
    """Turns assigned texts into a Secret at once: the row never holds the plain text."""

    def __get__(self, row: Any, kind: Any = None) -> Any:
        secret = super().__get__(row, kind)
        if isinstance(secret, Secret) and not secret.place:
            secret = row.__dict__[self.field.attname] = secret.at(place_of(row, self.field))
        return secret

    def __set__(self, row: Any, value: Any) -> None:
        secret = value if isinstance(value, Secret) else Secret(value or "")
        if secret.place:
            # Perhaps from another row or column.
            secret = secret.at(place_of(row, self.field))
        row.__dict__[self.field.attname] = secret


def place_of(row: models.Model, field: models.Field[Any, Any]) -> str:
    """Table, column and row of a secret; empty while the row has no id."""
    return "" if row.pk is None else f"{row._meta.db_table}.{field.column}:{row.pk}"


class EncryptedTextField(models.TextField):
    """Stores a text encrypted; its value on a row is a `Secret`.

    It has no form field and no lookups: forms and serializers take a new text in a field of their
    own. Dumps hold the encrypted text, which can be loaded with the same keys.
    """

    # For the type checker: the types of assigned values and of the attribute.
    _pyi_private_set_type: Secret | str  # type: ignore[assignment]
    _pyi_private_get_type: Secret  # type: ignore[assignment]

    description = "Encrypted text"
    descriptor_class = _SecretAttribute

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("editable", False)
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        del options["editable"]
        return name, path, args, options

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False
    ) -> None:
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            post_save.connect(self._bind, sender=cls, weak=False)

    def pre_save(self, model_instance: models.Model, add: bool) -> Secret:
        secret: Secret = getattr(model_instance, self.attname)
        secret = secret.at(place_of(model_instance, self))
        model_instance.__dict__[self.attname] = secret
        return secret

    def _bind(self, instance: models.Model, created: bool, raw: bool, **_: Any) -> None:
        """Bind the secret of a new row, whose id comes from the database."""
        secret: Secret | None = instance.__dict__.get(self.attname)
        if raw or not created or not secret or secret.token.startswith(BOUND):
            return
        bound = Secret(secret.reveal(), place=place_of(instance, self))
        type(instance)._base_manager.filter(pk=instance.pk).update(**{self.attname: bound})
        instance.__dict__[self.attname] = bound

    def formfield(self, **options: Any) -> Any:
        return None

    def get_lookup(self, lookup_name: str) -> Any:
        # Equal texts are encrypted differently, so no comparison works.
        return None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret:
        return Secret(token=value or "")

    def to_python(self, value: Any) -> Any:
        """Also takes texts of dumps, which are encrypted already."""
        if isinstance(value, Secret):
            return value
        text = value or ""
        return Secret(token=text) if text.startswith(PREFIX) else Secret(text)

    def get_prep_value(self, value: Any) -> Any:
        return value.token if isinstance(value, Secret) else Secret(value or "").token

    def value_to_string(self, obj: models.Model) -> str:
        return str(getattr(obj, self.attname).token)


@dataclass
class Rotation:
    """How many secrets were encrypted with the first key, and which ones no key decrypts."""

    renewed: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate_encryption() -> Rotation:
    """Encrypt every stored secret again, with the first key. Safe to repeat, and while others
    write.
    """
    rotation = Rotation()
    for model in apps.get_models():
        fields = model._meta.local_fields
        names = [field.attname for field in fields if isinstance(field, EncryptedTextField)]
        if names and not model._meta.proxy:
            for pk in model._base_manager.values_list("pk", flat=True).order_by("pk"):
                _rotate_row(model, pk, names, rotation)
    return rotation


def _rotate_row(model: type[models.Model], pk: Any, names: list[str], rotation: Rotation) -> None:
    with transaction.atomic():
        rows = model._base_manager.filter(pk=pk)
        # Locked, so that a secret changed in the meantime is not overwritten by the old one.
        row = rows.select_for_update().first()
        for name in names:
            secret: Secret | None = getattr(row, name, None)
            if not secret:
                continue
            try:
                rows.update(**{name: Secret(secret.reveal(), place=secret.place)})
            except SecretUnreadable:
                rotation.unreadable.append(f"{model._meta.verbose_name} '{row}' ({name})")
            else:
                rotation.renewed += 1


def prepare_keys() -> None:
    """Derive the installation's keys early: each takes tens of milliseconds of an event loop."""
    _keyring(settings.ENVIRONMENT.encryption_keys)


@functools.lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    """The first key encrypts, all of them decrypt."""
    return MultiFernet([Fernet(fernet_key(key)) for key in keys])


def fernet_key(text: str) -> bytes:
    """The Fernet key for an entry of ORCHESTRA_ENCRYPTION_KEYS.

    URL-safe base64 of 32 bytes, with its `=`, is used as it is. From any other text the key is
    derived by scrypt (n=2^14, r=8, p=1, a fixed salt, 32 bytes).
    """
    try:
        raw = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32 or base64.urlsafe_b64encode(raw) != text.encode():
        raw = hashlib.scrypt(text.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(raw)
