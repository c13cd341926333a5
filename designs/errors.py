"""Errors of designs that callers handle."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied

from designs.graph.spec import Problem


class RowGone(Exception):
    """A row was deleted between being read and being changed."""


class DraftChanged(Exception):
    """The draft is at another revision than the one that a change was based on."""

    def __init__(
        self, *, revision: int, document: Any, changed_by: str | None, changed_at: datetime
    ) -> None:
        who = changed_by or "The installation"
        super().__init__(
            f"{who} changed this draft in the meantime: it is at revision {revision} now. Nothing "
            "was saved. Read the current draft, put your change into it, and save again."
        )
        self.revision = revision
        self.document = document
        self.changed_by = changed_by
        self.changed_at = changed_at


class DesignInvalid(Exception):
    """The document has problems: it can be a draft, but can be neither published nor deployed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The design has problems.")
        self.problems = tuple(problems)


class ImportRefused(Exception):
    """A file has no design, or one that cannot be stored; the problems' paths are in the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The file cannot be imported. No design was created.")
        self.problems = tuple(problems)


class DesignInUse(Exception):
    """Deployments or executions refer to the design, so it cannot be deleted."""


class SuggestionsOutdated(Exception):
    """Suggested prompts no longer fit the draft: a sentence for each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


class VersionUnknown(Exception):
    """The design has no version of that number."""


class RevisionUnknown(Exception):
    """The draft was never at that revision."""


class PartGone(Exception):
    """Neither the draft nor the version has the part that was to be taken."""


class NotAllowed(Exception):
    """The caller lacks a permission; the message says which."""


class RightMissing(NotAllowed, PermissionDenied):
    """A `NotAllowed` that Django answers with 403."""
