"""States of deployments, keys and schedules that callers hear about."""

# Callers of a deployment hear about its input too.
from executor.errors import InputInvalid as InputInvalid
from executor.errors import InputTooLarge as InputTooLarge
from executor.errors import NotAccepted as NotAccepted


class DeploymentInactive(NotAccepted):
    """The deployment takes no calls at the moment; the sentence says why and what to do."""


class EndpointPathTaken(Exception):
    """Another deployment answers under this path."""


class EndpointPathInvalid(Exception):
    """The path breaks the rule for endpoint paths."""


class PriceUnknown(Exception):
    """Cost is to be limited, and what a model of the design costs is not known."""


class ScheduleInvalid(Exception):
    """A schedule's fields contradict each other or cannot be read: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The schedule is not valid.")
        self.errors = errors


class BackfillRefused(Exception):
    """This span cannot be filled in; `field` names its end that is wrong, the sentence says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class IdempotencyConflict(Exception):
    """The idempotency key was used with another body."""


class KeyRefused(Exception):
    """The API key is unknown, expired or revoked."""


class KeyBeyond(Exception):
    """A key was to make or renew a key that could do more than itself."""


class KeyRevoked(Exception):
    """The key was revoked for good, so nothing more can be done with it."""


class RateLimitReached(NotAccepted):
    """More requests than a deployment or a key may have.

    `policies` are the names of those used up; `headers` say when to come again.
    """

    def __init__(self, message: str, policies: list[str], headers: dict[str, str]) -> None:
        super().__init__(message)
        self.policies = policies
        self.headers = headers


class Overloaded(Exception):
    """This web process has as many calls under way as it may have."""


class DeliveryPending(Exception):
    """The callback's run has not ended yet, so there is nothing to deliver."""


class CallbackRefused(NotAccepted):
    """No callback may go to this address; the sentence says why."""
