"""How long one computation holds an event loop, and how much memory it takes: the longest of each.

Run: python -m benchmarks.loop_hold [words of names ...]

Hostile and large expressions, schemas and imports, each in a process of its own, by the way that a
run or a request takes. A second task of the loop looks every millisecond how late it is; what other
programs make it late is no hold, so each case is measured three times, and the least counts.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

from designs.graph.expressions import Expression, ExpressionError
from designs.graph.files import read_designs
from designs.graph.meter import Allowance
from designs.graph.schema_check import SchemaCheck
from designs.patterns.catalogue import check_document
from designs.runtime.computing import compute, compute_on
from executor.engine.evaluation import Evaluation
from executor.engine.llm.answers import answer_of
from executor.engine.llm.base import ModelError, ModelRequest
from executor.engine.llm.reply import Reply
from orchestra.server.interpreter import set_up_interpreter

AIM_MILLISECONDS = 50
AIM_MEGABYTES = 100
TICK = 0.001
TRIES = 3

Work = Callable[[], Awaitable[Any]]

PEOPLE = [
    {"name": str(n), "age": n, "tags": [n], "at": "2026-01-01T00:00:00Z"} for n in range(20_000)
]
SCOPE: dict[str, Any] = {
    "input": {
        "numbers": list(range(100_000)), "people": PEOPLE,
        "text": "x" * 3_900_000, "half": "x" * 1_900_000,
        "odd": "\u00df\u03a3 " * 1_000_000, "texts": [f"{'x' * 1_000}{n}" for n in range(3_000)],
        "object": {str(n): n for n in range(100_000)}, "lists": [[n] for n in range(40_000)],
        "small": {str(n): n for n in range(20_000)},
        "digits": ["1" * 300] * 12_000, "json": json.dumps(["a"] * 45_000),
        "object_text": json.dumps([{str(n): n} for n in range(20_000)]),
        "letters": [chr(945 + n % 20) * 2 for n in range(50_000)],
    },
    "execution": {"started_at": "2026-01-01T00:00:00+00:00"},
}  # fmt: skip
EXPRESSIONS = {
    "sort of texts": "sort(input.letters[:25000])",
    "sort_by": "sort_by(input.people[:9000], &name)",
    "sort of long texts": "sort(input.texts[:900])",
    "sum": "sum(input.numbers)",
    "equality": "input.people[:6000] == input.people[:6000]",
    "to_string of much": "length(to_string(input.object))",
    "json of much": "length(json(input.people[:9000]))",
    "json of long text": "length(json(input.half))",
    "flatten": "length(flatten(input.lists))",
    "flatten by brackets": "length(input.lists[])",
    "doubling": "let $a = input.numbers in " + "let $a = [$a, $a] in " * 20 + "length(json($a))",
    "distinct": "length(distinct(input.numbers[:40000]))",
    "distinct objects": "length(distinct(input.people[:9000]))",
    "group_by": "length(group_by(input.people[:9000], &name))",
    "merge": "length(merge(input.object, input.object))",
    "items": "length(from_items(items(input.small)))",
    "zip": "length(zip(input.numbers, input.lists))",
    "range": "length(range(200000))",
    "split into characters": "length(split(substring(input.text, 0, 100000), ''))",
    "split by a part": "length(split(input.half, 'xxxxxxxxxxxxxxxxxxxx'))",
    "replace": "length(replace(substring(input.text, 0, 200000), 'xx', 'y'))",
    "replace by longer": "length(replace(substring(input.text, 0, 90000), 'x', input.letters[0]))",
    "upper": "length(upper(substring(input.odd, 0, 1300000)))",
    "lower": "length(lower(substring(input.odd, 0, 1300000)))",
    "upper of plain text": "length(upper(input.half))",
    "trim by characters": "length(trim(input.text, 'yzabcdefghx'))",
    "find_last": "find_last(input.half, 'yx')",
    "find_first": "find_first(input.text, join('', [input.texts[0], 'y']))",
    "contains": "contains(input.text, join('', [input.texts[0], 'y', input.texts[1]]))",
    "reverse": "length(reverse(input.odd))",
    "pad": "length(pad_left('', 3900000))",
    "join": "length(join('x', input.texts))",
    "base64": "length(base64_decode(base64_encode(substring(input.text, 0, 1000000))))",
    "url_encode": "length(url_encode(substring(input.odd, 0, 400000)))",
    "sha256": "sha256(input.half)",
    "parse_json": "length(parse_json(input.json))",
    "parse_json of objects": "length(parse_json(input.object_text))",
    "to_number": "length(map(&to_number(@), input.digits))",
    "dates": "length(map(&date_add(at, 1, 'month'), input.people[:4500]))",
    "format_date": "length(map(&format_date(at, '%A %B', 'Europe/Berlin'), input.people[:5000]))",
    "comparing moments": "length(input.people[:9000][?at < '2026-01-01T00:00:00+01:00'])",
    "arithmetic": "sum(map(&age * 2 + age / 3 - 1, input.people))",
    "round": "length(map(&round(@ / 7, 3), input.numbers[:9000]))",
    "format_number": "length(map(&format_number(@, 2), input.numbers[:6000]))",
    "filter": "length(input.people[?age > `10`])",
    "objects": "input.people[:18000].{a: name, b: age, c: tags}",
}
UNIQUE = {"type": "array", "uniqueItems": True}
FORM = {"type": "object", "properties": {"rows": UNIQUE}, "required": ["rows"]}
ROWS = [{"a": n, "b": {"c": [n, str(n)]}} for n in range(16_000)]
SCHEMAS: dict[str, tuple[dict[str, Any], Any]] = {
    "uniqueItems of objects": (UNIQUE, ROWS),
    "uniqueItems of equal beginnings": (UNIQUE, [{"a": "x" * 200, "b": n} for n in range(12_000)]),
    "uniqueItems in uniqueItems": ({**UNIQUE, "items": UNIQUE}, [ROWS[:100]] * 60),
    "enum of numbers": ({"items": {"enum": [2**62 + n for n in range(300)]}}, [2**62] * 49_000),
    "enum of objects": ({"items": {"enum": ROWS[:200]}}, ROWS),
    "items of many": ({"items": {"type": "object", "required": ["a"]}}, ROWS),
    "misfits of many": ({"items": {"type": "object", "required": ["z"]}}, ROWS),
    "a pattern": ({"items": {"pattern": "(a+)+$"}}, ["a" * 2_000 + "b"] * 200),
    "multipleOf": ({"items": {"multipleOf": 0.01}}, [1e300 + n for n in range(16_000)]),
}


def _expression(source: str) -> Work:
    compiled = Expression(source)

    async def work() -> Any:
        return await Evaluation(Allowance.of_run()).run(compiled, SCOPE)

    return work


def _schema(schema: dict[str, Any], value: Any) -> Work:
    check = SchemaCheck(schema)
    return lambda: compute_on(value, check.misfits, value)


def _answer(schema: dict[str, Any], value: Any) -> Work:
    request = ModelRequest("x:y", "", (), "answer", "worker", schema)
    reply = Reply()
    reply.add_text(json.dumps(value))
    return lambda: answer_of(reply, request, name="x", mask=str, cost_usd=None)


def _nested(count: int) -> dict[str, Any]:
    agents = [{"id": "a", "name": "A", "system_prompt": "{{ input.x }}"}]
    blocks = [
        {"id": f"-{n}", "type": "sequential", "data": {"task": f"Do {n}", "agents": agents}}
        for n in range(count)
    ]
    return {"name": "x", "git_repos": [], "blocks": blocks, "connections": []}


def _plain(count: int) -> dict[str, Any]:
    blocks = [
        {"id": f"B {n}", "type": "sequential", "task": "{{ blocks.x.output }}",
         "agents": [{"id": "W 1", "system_prompt": "{{ input.a + 1 }}"}]}
        for n in range(count)
    ]  # fmt: skip
    ways = [{"id": f"c{n}", "source": f"B {n}", "target": f"B {n + 1}"} for n in range(count - 1)]
    return {"schema": 1, "name": "x", "blocks": blocks, "connections": ways}


def _threaded(function: Callable[[Any], Any], value: Any) -> Work:
    """Imports, saves and their checks are requests of threads, beside whose loop calls go on."""
    return lambda: compute(function, value)


def cases() -> dict[str, Work]:
    found: dict[str, Work] = {
        f"expression: {name}": _expression(source) for name, source in EXPRESSIONS.items()
    }
    found |= {f"schema: {name}": _schema(*pair) for name, pair in SCHEMAS.items()}
    found["answer: uniqueItems of objects"] = _answer(FORM, {"rows": ROWS})
    found["answer: a short one, uniqueItems"] = _answer(FORM, {"rows": [[n] for n in range(3_500)]})
    found["answer: misfits"] = _answer(FORM, {"rows": [*ROWS, ROWS[0]]})
    for count in (200, 9_000):
        found[f"import: nested, {count:,} blocks"] = _threaded(read_designs, _nested(count))
        found[f"import: {count:,} blocks with ids to mend"] = _threaded(read_designs, _plain(count))
        found[f"check: {count:,} blocks"] = _threaded(check_document, _plain(count))
    return found


async def _watched(work: Work) -> tuple[float, str]:
    """The longest time in seconds that the loop's other task came late, and the outcome."""
    longest = 0.0
    is_over = False

    async def watch() -> None:
        nonlocal longest
        while not is_over:
            before = time.perf_counter()
            await asyncio.sleep(TICK)
            longest = max(longest, time.perf_counter() - before - TICK)

    # Threads and first calls are not what is measured.
    await compute(time.perf_counter)
    task = asyncio.create_task(watch())
    await asyncio.sleep(5 * TICK)
    longest = 0.0
    try:
        await work()
        outcome = "done"
    except ExpressionError as error:
        outcome = "stopped" if "was stopped" in error.message else error.message[-60:]
    except ModelError as error:
        outcome = error.message[-60:]
    await asyncio.sleep(2 * TICK)
    is_over = True
    await task
    return longest, outcome


def _measure(work: Work, answer: Connection) -> None:
    # As a server's process does it.
    set_up_interpreter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    tries = [asyncio.run(_watched(work)) for _ in range(TRIES)]
    longest, outcome = min(tries)
    seconds = (time.perf_counter() - start) / TRIES
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    answer.send((longest, seconds, megabytes, outcome))


def main() -> None:
    wanted = sys.argv[1:]
    fork = multiprocessing.get_context("fork")
    worst: dict[str, tuple[float, float]] = {}
    print(f"{'':50} {'longest hold':>12} {'in all':>10} {'memory':>9}")
    for name, work in cases().items():
        if not all(word in name for word in wanted):
            continue
        here, there = fork.Pipe()
        process = fork.Process(target=_measure, args=(work, there))
        process.start()
        longest, seconds, megabytes, outcome = here.recv()
        process.join()
        kind = name.partition(":")[0]
        before = worst.get(kind, (0.0, 0.0))
        worst[kind] = (max(before[0], longest), max(before[1], megabytes))
        is_over = longest * 1_000 > AIM_MILLISECONDS or megabytes > AIM_MEGABYTES
        figures = f"{longest * 1_000:9.1f} ms {seconds:8.2f} s {megabytes:6.0f} MB"
        print(f"{name:50} {figures}  {outcome}{'  <-- over the aim' if is_over else ''}")
    for kind, (longest, megabytes) in worst.items():
        print(f"longest of all, {kind}: {longest * 1_000:.1f} ms, {megabytes:.0f} MB")
    print(f"aims: {AIM_MILLISECONDS} ms, {AIM_MEGABYTES} MB")


if __name__ == "__main__":
    main()
