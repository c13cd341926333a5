"""States of executions that callers hear about."""


class ExecutionEnded(Exception):
    """The execution has ended, so it cannot be cancelled any more."""


class NotResumable(Exception):
    """Only an execution that failed, timed out or was cancelled can be resumed."""


class NotAccepted(Exception):
    """No run is started; the sentence says why, and what to do."""


class InputInvalid(NotAccepted):
    """The input does not fit the design's input schema: field path → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The input does not fit what this design expects.")
        self.errors = errors


class InputTooLarge(InputInvalid):
    """The input has more bytes than the deployment takes."""

    def __init__(self, message: str) -> None:
        super().__init__({"input_data": [message]})
        self.args = (message,)


class ModelUnavailable(Exception):
    """There is no model of that name, or it cannot be used here."""


class ConnectionInvalid(Exception):
    """The model connection cannot be kept like this: field → sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("The model connection cannot be kept like this.")
        self.errors = errors


class TooManyAtOnce(NotAccepted):
    """A deployment, or a person who tries designs, has as many runs under way as they may."""


class LineWaits(Exception):
    """Runs of the same caller for the same deployment wait in line, so this one may not begin at
    once.
    """


class TooManyStreams(Exception):
    """A caller, a run or this process has as many open streams as it may."""


class LeaseLost(Exception):
    """Another process holds the execution now; nothing more may be written by this one."""


class RecorderUnavailable(Exception):
    """The record cannot be written at the moment (database away, or too much waits already)."""
