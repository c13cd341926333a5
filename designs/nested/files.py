"""Designs that a document names, in its file: their names beside their ids, by which an import
elsewhere finds them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from designs.access import Caller
from designs.graph.files import design_text
from designs.graph.fixes import applied, remove_value, set_value
from designs.graph.nesting import NamedBody, named_bodies
from designs.models import Design, DesignVersion
from designs.nested.places import find_bodies

# Designs of one name, and versions of each, among which an import looks.
MAX_DESIGNS = 20
MAX_VERSIONS = 50
_BESIDE = ("design_name", "design_digest")


def digest_of(document: Mapping[str, Any]) -> str:
    """The same for the same design in every installation: ids of designs that it names are none of
    its own.
    """
    plain = dict(document)
    for one in named_bodies(document):
        gone = [name for name in ("design_id", *_BESIDE) if name in one.settings]
        plain = applied(plain, [remove_value(f"{one.path}/{name}") for name in gone])
    return hashlib.sha256(design_text(plain).encode()).hexdigest()


def with_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the name and the digest of each version that it names, as in a file."""
    named = [one for one in named_bodies(document) if one.body.design_id is not None]
    found = find_bodies([one.body for one in named]) if named else {}
    pks = {version.version_id for version in found.values()}
    rows = DesignVersion.objects.filter(pk__in=pks) if pks else ()
    digests = {row.pk: digest_of(row.document) for row in rows}
    for one in named:
        version = found.get(one.body.name)
        if version is not None:
            beside = (version.design_name, digests[version.version_id])
            document = applied(
                document,
                [set_value(f"{one.path}/{name}", value)
                 for name, value in zip(_BESIDE, beside, strict=True)],
            )  # fmt: skip
    return document


def found_here(document: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The document of a file with the ids of this installation's designs: by id, else by name and
    digest of the version. What is not here stays as it is, and is a problem of the draft.
    """
    named = [one for one in named_bodies(document) if one.body.design_id is not None]
    found = find_bodies([one.body for one in named], caller) if named else {}
    for one in named:
        changes = []
        if one.body.name not in found:
            version = _by_name(one, caller)
            if version is None:
                continue
            changes = [
                set_value(f"{one.path}/design_id", str(version.design_id)),
                set_value(f"{one.path}/version", version.number),
            ]
        gone = [name for name in _BESIDE if name in one.settings]
        changes += [remove_value(f"{one.path}/{name}") for name in gone]
        document = applied(document, changes)
    return document


def _by_name(one: NamedBody, caller: Caller) -> DesignVersion | None:
    name, digest = (one.settings.get(key) for key in _BESIDE)
    if not (isinstance(name, str) and isinstance(digest, str)):
        return None
    alike = Design.objects.for_caller(caller).filter(name=name[:200]).order_by("pk")
    for design in alike.defer("draft")[:MAX_DESIGNS]:
        for version in design.versions.order_by("-number")[:MAX_VERSIONS]:
            if digest_of(version.document) == digest:
                return version
    return None
