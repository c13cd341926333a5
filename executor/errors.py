"""States of executions that callers hear about."""


class ExecutionEnded(Exception):
    """The execution has ended, so it cannot be cancelled any more."""


class NotResumable(Exception):
    """Only an execution that failed, timed out or was cancelled can be resumed."""


class LeaseLost(Exception):
    """Another process holds the execution now; nothing more may be written by this one."""


class RecorderUnavailable(Exception):
    """The record cannot be written at the moment (database away, or too much waits already)."""
