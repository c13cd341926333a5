"""Masks secrets in all log records, and in what Python prints about uncaught errors.

Records are masked when they are created, so that other libraries' handlers (the web server's, the
worker's) never see a secret.
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
    """Django's hook, `LOGGING_CONFIG`."""
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
    """A record whose message, traceback and stack contain no secret."""
    record = logging.LogRecord(*args, **kwargs)
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - the handler reports wrong arguments
        text = ""
    masked = cut_message(record.name, masked_line(text))
    if masked != text:
        record.msg, record.args = masked, None
    if record.exc_info and record.exc_info[0] is not None:
        text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        masked = cut_traceback(record.name, masked_line(text))
        if masked != text:
            # Formatters use it instead of formatting the traceback.
            record.exc_text = masked
    return record


def mask_last_words() -> None:
    """Mask what a process or thread prints when it ends with an error."""

    def of_process(
        kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        _print(error)

    def of_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            _print(args.exc_value, f"In thread {args.thread and args.thread.name}:\n")

    def unraisable(args: Any) -> None:
        if args.exc_value is not None:
            _print(args.exc_value, f"{args.err_msg or 'Ignored in'} {args.object!r}:\n")

    sys.excepthook = of_process
    threading.excepthook = of_thread
    sys.unraisablehook = unraisable


def _print(error: BaseException, intro: str = "") -> None:
    if sys.stderr is not None:
        sys.stderr.write(intro + masked_line("".join(traceback.format_exception(error))))
