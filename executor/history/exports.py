"""The history as a file: CSV, or a JSON object on each line, in batches of limited size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from designs.access import Caller
from designs.auditing.files import csv_line, json_text
from designs.rows.bounded import fill_page
from executor.history.quotes import PAYLOAD, hide_quotes
from executor.history.sorting import ORDERS
from executor.models import Execution

BATCH = 500
COLUMNS = (
    "execution_id", "status", "degraded", "degraded_reasons", "deployment", "deployment_id",
    "design", "design_id", "version", "trigger_type", "triggered_by", "created_at", "started_at",
    "completed_at", "duration_ms", "model_calls", "input_tokens", "output_tokens", "cost_usd",
    "cause", "error_class", "error_message", "rerun_of", "resumed_from",
)  # fmt: skip
PAYLOADS = ("input_data", "result_data")
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}

# Who reads, asked before each batch: None once the person may not read any longer.
Reader = Callable[[], Caller | None]


def history_file(form: str, rows: Any, sort: str, reader: Reader) -> Iterator[str]:
    """Texts of some lines each. `rows` are what the filters choose.

    Between two texts nothing is held: each batch continues by keyset. It ends early if the reader
    may no longer read, or if the execution where it continues was deleted meanwhile.
    """
    if form == "csv":
        yield csv_line(COLUMNS)
    order = ORDERS[sort]
    batch = order.sort(rows)
    while batch is not None and (caller := reader()) is not None:
        # CSV has no payloads: few spreadsheets take cells of their size.
        has_payloads = form == "jsonl" and caller.may(PAYLOAD)
        shown = batch.for_caller(caller).defer(*(() if has_payloads else PAYLOADS))
        taken, lines, has_more = fill_page(
            shown,
            limit=BATCH,
            large=PAYLOADS if has_payloads else (),
            show=partial(_lines, form, caller, has_payloads),
            weigh=len,
        )
        yield "".join(lines)
        batch = order.beyond(rows, taken[-1]) if has_more and taken else None


def _lines(form: str, caller: Caller, has_payloads: bool, page: list[Execution]) -> list[str]:
    hide_quotes(caller, *page)
    if form == "csv":
        return [csv_line(list(_values(run).values())) for run in page]
    return [json_text(_with_payloads(run, has_payloads)) + "\n" for run in page]


def _with_payloads(run: Execution, has_payloads: bool) -> dict[str, Any]:
    payloads = {name: getattr(run, name) if has_payloads else None for name in PAYLOADS}
    return {**_values(run), **payloads, "payload_hidden": not has_payloads}


def _values(run: Execution) -> dict[str, Any]:
    error = run.error or {}
    values = (
        run.public_id, run.status, run.degraded, run.degraded_reasons,
        run.deployment.endpoint_path if run.deployment else None, _text(run.deployment_id),
        run.design.name, _text(run.design_id), run.version.number if run.version else None,
        run.trigger_type, run.triggered_by, _time(run.created_at), _time(run.started_at),
        _time(run.completed_at), run.duration_ms, run.model_calls, run.input_tokens,
        run.output_tokens, None if run.cost_usd is None else float(run.cost_usd), run.cause,
        error.get("class"), error.get("message"), _text(run.rerun_of_id),
        _text(run.resumed_from_id),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _text(pk: Any) -> str | None:
    return None if pk is None else str(pk)


def _time(at: Any) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
