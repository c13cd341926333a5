"""States of designs that callers hear about."""

from collections.abc import Sequence

from designs.graph.spec import Problem


class DesignInvalid(Exception):
    """The document has problems, so it can be kept as a draft but neither published nor
    deployed.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("The design has problems.")
        self.problems = tuple(problems)


class VersionUnknown(Exception):
    """The design has no version of that number, or none at all."""


class NotAllowed(Exception):
    """The caller lacks the right; the sentence says which."""
