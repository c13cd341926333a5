"""Errors that services of executions raise."""


class ExecutionEnded(Exception):
    """The execution has ended, so it cannot be cancelled."""


class NotResumable(Exception):
    """Only an execution that failed, timed out or was cancelled can be resumed."""


class NotAccepted(Exception):
    """No run is started; the message says why, and what to do."""


class NestingTooDeep(NotAccepted):
    """Designs play each other in a circle, or too deep inside one another; the message has the
    chain.
    """


class NestedMissing(NotAccepted):
    """A design that is played inside is not there, or cannot be run; the message says which."""


class InputInvalid(NotAccepted):
    """The input is invalid by the design's input schema: field path → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The input does not fit what this design expects.")
        self.errors = errors


class PartInvalid(NotAccepted):
    """One block alone cannot be tried like this: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("This block cannot be tried alone like this.")
        self.errors = errors


class RunUnknown(NotAccepted):
    """There is no such run to read from, or nothing is left of it; `field` named it."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class InputTooLarge(InputInvalid):
    """The input has more bytes than the deployment takes."""

    def __init__(self, message: str) -> None:
        super().__init__({"input_data": [message]})
        self.args = (message,)


class ModelUnavailable(Exception):
    """There is no model of that name, or it cannot be used."""


class ConnectionInvalid(Exception):
    """The model connection is invalid: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The model connection cannot be kept like this.")
        self.errors = errors


class ToolsInvalid(Exception):
    """A tool connection, or a tool of one, cannot be kept like this: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(" ".join(sentence for each in errors.values() for sentence in each))
        self.errors = errors


class ToolsNotRead(Exception):
    """The server's list of tools could not be had; the message says why."""


class ViewNotSaved(Exception):
    """The filters of the history cannot be saved; the message says why."""


class TooManyAtOnce(NotAccepted):
    """A deployment, or a person who tries designs, has the maximum of live runs."""


class LineWaits(Exception):
    """Runs of the same caller for the same deployment are queued, so this one must queue too."""


class TooManyStreams(Exception):
    """A caller, a run or this process has the maximum of open streams."""


class VoteRefused(Exception):
    """The person may not vote on this request, or not any more; the message says why."""


class NotInGroup(VoteRefused):
    """The request is for members of another group."""


class OwnRun(VoteRefused):
    """The person started the run that asks, and somebody else has to decide."""


class AlreadyVoted(VoteRefused):
    """A vote is never changed."""


class RequestClosed(VoteRefused):
    """The request is decided or over."""


class VoteInvalid(Exception):
    """The vote cannot be taken like this: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The vote is not complete.")
        self.errors = errors


class LeaseLost(Exception):
    """Another process owns the execution now; this one must not write any more."""


class RecorderUnavailable(Exception):
    """The record cannot be written now: the database is away, or the queue is full."""
