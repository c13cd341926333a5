"""Logs without secrets: every record of the process, and what Python says of errors nobody caught.

Records are masked where they are made, so that handlers of other programs (the web server's, the
worker's) never have the secret.
"""

from __future__ import annotations

import logging
import logging.config
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from designs.secrets.masking import learn, learn_chosen, masked_line
from orchestra.logs.limits import LimitRepeats, cut_message, cut_traceback

SERVING = ("web", "worker", "beat")


def configure(config: dict[str, Any]) -> None:
    """Django's hook for logging: what the settings say, then the masks."""
    from django.conf import settings

    logging.config.dictConfig(config)
    learn(*settings.ENVIRONMENT.secrets)
    learn_chosen(*settings.ENVIRONMENT.passwords)
    logging.setLogRecordFactory(make_record)
    # The web server has a handler of its own.
    logging.getLogger("gunicorn.error").addFilter(LimitRepeats())
    if settings.ENVIRONMENT.process in SERVING:
        mask_last_words()


def make_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A record whose message, traceback and stack show no secret."""
    record = logging.LogRecord(*args, **kwargs)
    _mask_message(record)
    if record.exc_info and record.exc_info[0] is not None:
        _mask_traceback(record, record.exc_info)
    return record


def mask_last_words() -> None:
    """Mask also what goes to standard error when a process or a thread ends by an error."""

    def of_process(
        kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        _say(error)

    def of_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None and found.exc_type is not SystemExit:
            _say(found.exc_value, f"In thread {found.thread and found.thread.name}:\n")

    def of_nobody(found: Any) -> None:
        if found.exc_value is not None:
            _say(found.exc_value, f"{found.err_msg or 'Ignored in'} {found.object!r}:\n")

    sys.excepthook = of_process
    threading.excepthook = of_thread
    sys.unraisablehook = of_nobody


def _mask_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the handler tells of it
        return
    shown = cut_message(record.name, masked_line(text))
    if shown != text:
        record.msg, record.args = shown, None


def _mask_traceback(record: logging.LogRecord, found: Any) -> None:
    text = "".join(traceback.format_exception(*found)).rstrip("\n")
    shown = cut_traceback(record.name, masked_line(text))
    if shown != text:
        # Formatters take what is there already.
        record.exc_text = shown


def _say(error: BaseException, intro: str = "") -> None:
    if sys.stderr is not None:
        sys.stderr.write(intro + masked_line("".join(traceback.format_exception(error))))
