"""What must hold after any faults: the contract, and nothing else. Each breach is a sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from deployments.models import IdempotencyKey, Occurrence, Schedule
from executor.models import LIVE, TERMINAL, Execution, Status
from tests.faults.designs import VOTES
from tests.faults.load import Told
from tests.faults.moves import Move
from tests.faults.provider import Provider

ENDS = frozenset(status.value for status in TERMINAL)
ALLOWED = {
    None: {"queued", "running", *ENDS},
    "queued": {"running", "cancelled", "timed_out"},
    "running": {"queued", "waiting", *ENDS},
    "waiting": {"queued", "cancelled", "timed_out"},
}


def breaches(
    told: Sequence[Told], moves: Sequence[Move], provider: Provider, widths: dict[str, int]
) -> list[str]:
    """All breaches of the contract. `widths`: how many calls at once each design makes, by name."""
    rows = {row.pk.hex: row for row in Execution.objects.select_related("design")}
    return [
        *_of_ends(told, rows),
        *_of_moves(moves),
        *_of_answers(told, rows),
        *_of_calls(rows, provider, widths),
        *_of_requests(moves, rows),
        *_of_keys(told),
        *_of_occurrences(),
    ]


def _of_ends(told: Iterable[Told], rows: dict[str, Execution]) -> Iterator[str]:
    for one in told:
        if one.execution not in rows:
            yield f"{one.execution} was accepted, and is not in the history"
    for name, row in rows.items():
        if row.status in LIVE:
            yield f"{name} is still {row.status} (attempt {row.attempt}, {row.losses} losses)"
        elif (row.error or {}).get("class") == "internal":
            yield f"{name} failed by a fault of ours: {row.error}"
        if row.blocks.filter(status="running").exists() and row.status in TERMINAL:
            yield f"{name} has ended, and a block of it runs"


def _of_moves(moves: Iterable[Move]) -> Iterator[str]:
    ends: Counter[str] = Counter()
    for move in moves:
        if move.new not in ALLOWED.get(move.old, ()):
            yield f"{move.execution} went from {move.old} to {move.new}"
        ends[move.execution] += move.new in ENDS
    for name, count in ends.items():
        if count != 1:
            yield f"{name} ended {count} times"


def _of_answers(told: Iterable[Told], rows: dict[str, Execution]) -> Iterator[str]:
    """What callers were given is what the history shows."""
    for one in told:
        row = rows.get(one.execution)
        if row is None or one.status == 202:
            continue
        if one.status == 200:
            if (row.status, row.result_data) != (Status.COMPLETED, one.body["result"]):
                yield f"{one.execution}: the caller was given {one.body['result']!r}, "
                yield f"  and the history says {row.status}, {row.result_data!r}"
        elif row.status == Status.COMPLETED:
            yield f"{one.execution}: the caller was told {one.status}, and it is completed"


def _of_calls(
    rows: dict[str, Execution], provider: Provider, widths: dict[str, int]
) -> Iterator[str]:
    """No finished step is run again: an interruption repeats what was under way, no more."""
    begun: dict[str, Counter[str]] = defaultdict(Counter)
    for key, count in provider.begun.items():
        name, _, agent = key.partition("/")
        begun[name.removeprefix("exec-")][agent] = count
    for name, row in rows.items():
        counts, width = begun[name], widths.get(row.design.name, 0)
        interruptions = row.attempt if row.status != Status.COMPLETED else row.attempt - 1
        repeated = sum(counts.values()) - len(counts)
        if repeated > interruptions * width:
            yield (
                f"{name}: {repeated} calls were made again by {interruptions} interruptions of "
                f"{width} at once ({row.status}): {dict(counts)}"
            )
        yield from _of_steps(name, row, provider)


def _of_steps(name: str, row: Execution, provider: Provider) -> Iterator[str]:
    last: Any = None
    for step in row.steps.exclude(model="").exclude(status="failed"):
        last = step.text
        if step.text not in provider.texts.get(f"exec-{name}/{step.agent_id}", ()):
            yield f"{name}: the step {step.key} holds an answer that nobody gave: {step.text!r}"
        if provider.begun[f"exec-{name}/{step.agent_id}"] > row.attempt:
            yield f"{name}: {step.key} was called more often than there were attempts"
    if row.status == Status.COMPLETED and last is not None and row.result_data != last:
        yield f"{name}: the result {row.result_data!r} is not its last step's {last!r}"


def _of_requests(moves: Sequence[Move], rows: dict[str, Execution]) -> Iterator[str]:
    """What is asked is asked once, decided once, and its run goes on from that once."""
    waits = Counter(move.execution for move in moves if move.new == "waiting")
    wakes = Counter(m.execution for m in moves if (m.old, m.new) == ("waiting", "queued"))
    for name, row in rows.items():
        asked = list(row.requests.prefetch_related("votes"))
        if len(asked) > 1:
            yield f"{name} asked {len(asked)} times"
        if row.status != Status.COMPLETED or row.design.name != "Asking":
            continue
        if [request.status for request in asked] != ["approved"]:
            yield f"{name} is completed, and what it asked is {asked}"
        elif len(asked[0].votes.all()) != VOTES:
            yield f"{name}: {len(asked[0].votes.all())} votes decided what {VOTES} decide"
        if waits[name] != wakes[name] or not waits[name]:
            yield f"{name} waited {waits[name]} times and was woken {wakes[name]} times"
        if row.waited_ms is None:
            yield f"{name} has not noted how long it waited"


def _of_keys(told: Iterable[Told]) -> Iterator[str]:
    by_key: dict[str, set[str]] = defaultdict(set)
    for one in told:
        if one.key:
            by_key[one.key].add(one.execution)
    for key, executions in by_key.items():
        if len(executions) != 1:
            yield f"the key {key} was answered with {len(executions)} executions"
        kept = IdempotencyKey.objects.filter(key=key).count()
        if kept != 1:
            yield f"the key {key} is kept {kept} times"


def _of_occurrences() -> Iterator[str]:
    for schedule in Schedule.objects.select_related("beat_task__interval"):
        every = timedelta(seconds=schedule.beat_task.interval.every)
        rows = list(Occurrence.objects.filter(schedule=schedule).order_by("due_at"))
        for before, after in pairwise(rows):
            if after.due_at - before.due_at != every:
                yield f"{schedule}: after {before.due_at} came {after.due_at}"
        for row in rows:
            if row.outcome != Occurrence.Outcome.RAN or row.execution_id is None:
                yield f"{schedule}: {row.due_at} {row.outcome} without an execution"
        started = {row.execution_id for row in rows}
        if len(started) != len(rows):
            yield f"{schedule}: {len(rows)} occurrences started {len(started)} executions"
    planned = Execution.objects.filter(trigger_type="scheduled")
    count = Occurrence.objects.count()
    if planned.count() != count:
        yield f"{planned.count()} scheduled executions for {count} occurrences"
