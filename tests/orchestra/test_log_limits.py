"""Logs are not pushed out by whoever sends requests: lines are cut, and repeats are few."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from orchestra.launcher.processes import LOGS_KEPT, rotate
from orchestra.logs import limits
from orchestra.logs.limits import LimitRepeats


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the console of a process gets."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(LimitRepeats())
    handler.setFormatter(logging.Formatter(settings.LOGGING["formatters"]["line"]["format"]))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def test_the_console_has_the_limit() -> None:
    [handler] = [
        one for one in logging.getLogger().handlers if type(one).__name__ == "StreamHandler"
    ]
    assert [type(one) for one in handler.filters] == [LimitRepeats]


def test_a_flood_of_long_requests_is_a_few_short_lines(written: io.StringIO) -> None:
    for number in range(200):
        answer = Client().get("/", headers={"host": f"{number}-{'h' * 7_000}.example"})
        assert answer.status_code == 400
    lines = [line for line in written.getvalue().split("\n") if line]
    assert max(map(len, lines)) <= limits.CHARACTERS_OF_REQUEST + 120
    assert sum(" ERROR " in line for line in lines) <= limits.LINES_OF_REQUESTS
    # Measured without limits: 30 KB for each of them.
    assert len(written.getvalue()) < 200_000


def record(name: str, at: float, text: str = "x", line: int = 1) -> logging.LogRecord:
    found = logging.LogRecord(name, logging.ERROR, __file__, line, "%s", (text,), None)
    found.created = at
    return found


def test_only_repeats_are_left_out_and_their_number_is_told() -> None:
    limit = LimitRepeats()
    passed = [limit.filter(record("django.request", 100.0 + n / 10, f"/{n}")) for n in range(100)]
    assert passed == [True] * 30 + [False] * 70
    # Other lines pass meanwhile, and those of our own are many more.
    assert limit.filter(record("django.request", 110.0, line=2))
    assert sum(limit.filter(record("executor.running.worker", 100.0)) for _ in range(700)) == 600
    later = record("django.request", 161.0, "/again")
    assert limit.filter(later)
    assert later.getMessage() == "/again (70 more lines like this were left out)"


def test_the_limit_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_KINDS", 10)
    limit = LimitRepeats()
    for number in range(100):
        assert limit.filter(record("django", 1.0, line=number))
    assert len(limit._seen) == 10


def test_the_middle_of_a_long_traceback_is_left_out(written: io.StringIO) -> None:
    try:
        raise RuntimeError("\n".join(f"line {number} {'x' * 100}" for number in range(1_000)))
    except RuntimeError:
        logging.getLogger("executor.running.worker").exception("It failed")
    text = written.getvalue()
    assert len(text) < 25_000
    assert "Traceback" in text
    assert "left out" in text
    assert "line 999" in text


def test_five_old_logs_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for number in range(LOGS_KEPT + 2):
        log.write_text(f"{number} " * 200)
        rotate(log, limit=100)
        assert log.read_text() == ""
    kept = {path.name: path.read_text()[0] for path in tmp_path.iterdir() if path != log}
    assert kept == {f"web.log.{number}": str(LOGS_KEPT + 2 - number) for number in range(1, 6)}
