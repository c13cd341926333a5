"""Secrets at rest: a field that keeps encrypted text, under the installation's keys."""

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

# So that a stored value is never taken for a text that somebody typed.
PREFIX = "fernet:"
# What begins so opens at its own place only: table, column and row stand inside, sealed with it.
BOUND = "fernet:bound:"
SHOWN = masking.MASK
# The salt has no place to be kept in that is not the key's own; it sets this use apart from others.
SALT = b"orchestra: secrets at rest"


class SecretUnreadable(Exception):
    """No key of the installation opens the stored value."""

    def __init__(self) -> None:
        super().__init__(
            "The stored secret cannot be read: it was encrypted under a key that "
            "ORCHESTRA_ENCRYPTION_KEYS does not hold any more. Add that key again, or type the "
            "secret anew."
        )


class SecretElsewhere(SecretUnreadable):
    """The stored value belongs to another row or column."""

    def __init__(self) -> None:
        Exception.__init__(
            self,
            "The stored secret cannot be read: it was encrypted for another place, so somebody "
            "has moved it in the database. Type the secret anew.",
        )


class Secret:
    """A text that shows itself to nobody: only `reveal` gives it. Empty ones are false.

    Pickled and copied it is the encrypted text, so that no cache or queue holds more. What a
    process has once typed or opened it masks in all that it writes.
    """

    __slots__ = ("_text", "_token", "place")

    def __init__(self, text: str = "", *, token: str = "", place: str = "") -> None:
        masking.learn(text)
        self._text = text
        self._token = token
        # Where it stands: table, column and row; empty while the row has no id.
        self.place = place

    @property
    def token(self) -> str:
        """What is stored: encrypted under the first key, empty for an empty text."""
        if not self._token and self._text:
            ring = _keyring(settings.ENVIRONMENT.encryption_keys)
            bound = f"{self.place}\n{self._text}" if self.place else self._text
            sealed = ring.encrypt(bound.encode()).decode()
            self._token = (BOUND if self.place else PREFIX) + sealed
        return self._token

    def reveal(self) -> str:
        """The text itself. Raises SecretUnreadable."""
        if not self._text and self._token:
            self._text = self._opened()
            masking.learn(self._text)
        return self._text

    def _opened(self) -> str:
        sealed = self._token.removeprefix(BOUND).removeprefix(PREFIX).encode()
        try:
            text = _keyring(settings.ENVIRONMENT.encryption_keys).decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable from None
        if not self._token.startswith(BOUND):
            # Written before secrets were bound; the next rotation binds it.
            return text
        place, _, text = text.partition("\n")
        if place != self.place:
            raise SecretElsewhere
        return text

    def at(self, place: str) -> Secret:
        """The same text for this place. What no key opens stays as it is."""
        if not self or self.place == place:
            return self
        if not self.place and self._token:
            # Just read: now it is known where.
            self.place = place
            return self
        try:
            return Secret(self.reveal(), place=place)
        except SecretUnreadable:
            return self

    def renewed(self) -> Secret:
        """The same text, encrypted under the first key. Raises SecretUnreadable."""
        return Secret(self.reveal(), place=self.place)

    def __bool__(self) -> bool:
        return bool(self._text or self._token)

    def __eq__(self, other: object) -> bool:
        """True for what is stored as the same, so that a row read again is not a changed one."""
        return isinstance(other, Secret) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return SHOWN if self else ""

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return _stored, (self.token,)


def _stored(token: str) -> Secret:
    return Secret(token=token)


class _Sealing(DeferredAttribute):
    """A text that is assigned becomes a Secret at once: the row never holds the bare text."""

    def __get__(self, row: Any, kind: Any = None) -> Any:
        found = super().__get__(row, kind)
        if isinstance(found, Secret) and not found.place:
            found = row.__dict__[self.field.attname] = found.at(place_of(row, self.field))
        return found

    def __set__(self, row: Any, value: Any) -> None:
        sealed = value if isinstance(value, Secret) else Secret(value or "")
        if sealed.place:
            # From another row or column, perhaps.
            sealed = sealed.at(place_of(row, self.field))
        row.__dict__[self.field.attname] = sealed


def place_of(row: models.Model, field: models.Field[Any, Any]) -> str:
    """Table, column and row of a secret; empty while the row has no id."""
    return "" if row.pk is None else f"{row._meta.db_table}.{field.column}:{row.pk}"


class EncryptedTextField(models.TextField):
    """Keeps a text encrypted; its value on a row is a `Secret`.

    In no form, and not to be searched: a door takes a new text by a field of its own. Dumps hold
    the encrypted text, which loads again under the same keys.
    """

    # For the type checker: what a row takes and what it gives.
    _pyi_private_set_type: Secret | str  # type: ignore[assignment]
    _pyi_private_get_type: Secret  # type: ignore[assignment]

    description = "Encrypted text"
    descriptor_class = _Sealing

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
        found = secret.at(place_of(model_instance, self))
        model_instance.__dict__[self.attname] = found
        return found

    def _bind(self, instance: models.Model, created: bool, raw: bool, **_: Any) -> None:
        """A row that the database gave its id: only now the place of its secret is known."""
        secret: Secret | None = instance.__dict__.get(self.attname)
        if raw or not created or not secret or secret.token.startswith(BOUND):
            return
        bound = Secret(secret.reveal(), place=place_of(instance, self))
        type(instance)._base_manager.filter(pk=instance.pk).update(**{self.attname: bound})
        instance.__dict__[self.attname] = bound

    def formfield(self, **options: Any) -> Any:
        return None

    def get_lookup(self, lookup_name: str) -> Any:
        # Equal texts are stored as different ones, so no comparison finds anything.
        return None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret:
        return Secret(token=value or "")

    def to_python(self, value: Any) -> Any:
        """Also of a dump's text, which is encrypted already."""
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
    """How many secrets are under the first key now, and which ones no key opens."""

    renewed: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate_encryption() -> Rotation:
    """Encrypt every stored secret anew, under the first key. May be repeated, and run while others
    write.
    """
    done = Rotation()
    for model in apps.get_models():
        names = [] if model._meta.proxy else _encrypted_fields(model)
        if names:
            for pk in model._base_manager.values_list("pk", flat=True).order_by("pk"):
                _renew(model, pk, names, done)
    return done


def _encrypted_fields(model: type[models.Model]) -> list[str]:
    fields = model._meta.local_fields
    return [found.attname for found in fields if isinstance(found, EncryptedTextField)]


def _renew(model: type[models.Model], pk: Any, names: list[str], done: Rotation) -> None:
    with transaction.atomic():
        rows = model._base_manager.filter(pk=pk)
        # Locked, so that a secret typed meanwhile is not overwritten by the one before.
        row = rows.select_for_update().first()
        for name in names:
            secret: Secret | None = getattr(row, name, None)
            if not secret:
                continue
            try:
                rows.update(**{name: secret.renewed()})
            except SecretUnreadable:
                done.unreadable.append(f"{model._meta.verbose_name} '{row}' ({name})")
            else:
                done.renewed += 1


def prepare_keys() -> None:
    """Derive the installation's keys ahead: tens of milliseconds each, which no event loop has."""
    _keyring(settings.ENVIRONMENT.encryption_keys)


@functools.lru_cache(maxsize=8)
def _keyring(keys: tuple[str, ...]) -> MultiFernet:
    """The first key encrypts, all of them open."""
    return MultiFernet([Fernet(fernet_key(key)) for key in keys])


def fernet_key(text: str) -> bytes:
    """The Fernet key that a text of ORCHESTRA_ENCRYPTION_KEYS stands for.

    Base64 of 32 bytes, in the URL's alphabet and with its `=`, is a Fernet key as it is. From any
    other text it is derived by scrypt (n=2^14, r=8, p=1, a fixed salt, 32 bytes).
    """
    try:
        raw = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32 or base64.urlsafe_b64encode(raw) != text.encode():
        raw = hashlib.scrypt(text.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(raw)
