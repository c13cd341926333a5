"""States of designs that callers hear about."""

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied

from designs.graph.spec import Problem


class RowGone(Exception):
    """What was to be changed was deleted between the look at it and the change."""


class DesignInvalid(Exception):
    """The document has problems, so it can be kept as a draft but neither published nor
    deployed.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The design has problems.")
        self.problems = tuple(problems)


class ImportRefused(Exception):
    """A file holds no design, or something that cannot be kept; paths lead into the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The file cannot be imported. Nothing of it was.")
        self.problems = tuple(problems)


class DesignInUse(Exception):
    """Deployments or executions refer to the design, so it cannot be deleted."""


class SuggestionsOutdated(Exception):
    """Suggested prompts do not fit the draft as it is now: a sentence for each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


class SampleUnknown(Exception):
    """There is no sample of that name."""


class VersionUnknown(Exception):
    """The design has no version of that number, or none at all."""


class NotAllowed(Exception):
    """The caller lacks the right; the sentence says which."""


class RightMissing(NotAllowed, PermissionDenied):
    """What was asked for needs a right that the person, or the key, does not have."""
