"""Errors of deployments, keys and schedules that callers see."""

from collections.abc import Sequence

# Callers of a deployment see errors of its input, too.
from executor.errors import InputInvalid as InputInvalid
from executor.errors import InputTooLarge as InputTooLarge
from executor.errors import NotAccepted as NotAccepted


class DeploymentInactive(NotAccepted):
    """The deployment takes no calls now; the message says why and what to do."""


class EndpointPathTaken(Exception):
    """Another deployment answers under this path."""


class EndpointPathInvalid(Exception):
    """The path breaks the rule for endpoint paths."""


class PriceUnknown(Exception):
    """Cost would be limited, but the price of one of the design's models is unknown."""


class VersionMisfit(Exception):
    """A version refuses the input of schedules that are on: a sentence for each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


class ScheduleInvalid(Exception):
    """A schedule's fields are wrong: `errors` has sentences by field."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The schedule is not valid.")
        self.errors = errors


class BackfillRefused(Exception):
    """This span cannot be filled in; `field` names the wrong end."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class CalendarInvalid(Exception):
    """The calendar cannot be kept: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The calendar cannot be kept like this.")
        self.errors = errors


class CalendarInUse(Exception):
    """Schedules use the calendar, and nobody confirmed that they are to run on its days."""


class IdempotencyConflict(Exception):
    """The idempotency key was used with another body."""


class KeyRefused(Exception):
    """The API key is unknown, expired or revoked."""


class KeyBeyond(Exception):
    """A key may not make or renew a key that can do more than itself."""


class KeyRevoked(Exception):
    """The key was revoked, which is final."""


class RateLimitReached(NotAccepted):
    """A limit of requests is used up: `policies` names which, `headers` say when to retry."""

    def __init__(self, message: str, policies: list[str], headers: dict[str, str]) -> None:
        super().__init__(message)
        self.policies = policies
        self.headers = headers


class Overloaded(Exception):
    """This web process has as many calls under way as it may have."""


class DeliveryPending(Exception):
    """The callback's run has not ended yet, so there is nothing to deliver."""


class CallbackRefused(NotAccepted):
    """No callback may go to this address; the message says why."""
