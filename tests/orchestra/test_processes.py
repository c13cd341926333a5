"""One supervised process: it is watched, started again with growing pauses, and leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
import time

import psutil
import pytest

from orchestra.launcher.processes import Child, Guard, Program, rotate
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("installations")


@pytest.fixture
def guard():
    found = Guard(paths=[], keep_open=())
    yield found
    found.close()


@pytest.fixture
def make_child(tmp_path, guard):
    made = []

    def make(code, **fields):
        program = Program(
            "example", [sys.executable, "-c", code], answers=lambda child: True, **fields
        )
        child = Child(program, folder=tmp_path, logs=tmp_path, watched_by=guard)
        made.append(child)
        return child

    yield make
    for child in made:
        child.kill()


def death_of(child):
    codes = []
    wait_until(lambda: (code := child.died()) is not None and codes.append(code) is None)
    return codes[0]


def test_what_it_prints_is_in_its_log(make_child):
    child = make_child("print('hello from the example')")
    child.start()
    assert death_of(child) == 0
    assert child.log_says(b"hello from")
    assert child.last_words() == "hello from the example"


def test_only_this_starts_words_count(make_child):
    child = make_child("import os; print('start', os.getpid())")
    child.start()
    first = child.pid
    death_of(child)
    child.start()
    death_of(child)
    assert not child.log_says(f"start {first}\n".encode())
    assert child.log.read_text().count("start") == 2


def test_pauses_grow_with_each_fast_death(make_child):
    child = make_child("raise SystemExit(3)")
    pauses = []
    for _ in range(3):
        child.start()
        assert death_of(child) == 3
        pauses.append(child.pause_seconds)
    assert pauses == [0.5, 1.0, 2.0]
    assert child.fast_deaths == 3


def test_it_is_started_again_only_after_its_pause(make_child):
    child = make_child("raise SystemExit(1)")
    child.start()
    death_of(child)
    child.start_if_due()
    assert child.is_waiting
    time.sleep(child.pause_seconds + 0.05)
    child.start_if_due()
    assert not child.is_waiting


def test_variables_reach_it_and_files_of_ours_do_not(make_child, tmp_path):
    with (tmp_path / "private").open("w") as opened:
        child = make_child(
            f"import os; print(os.environ['COLOUR'], flush=True); os.fstat({opened.fileno()})",
            variables={"COLOUR": "green"},
        )
        child.start()
        assert death_of(child) == 1
    assert child.log_says(b"green\n")
    assert child.log_says(b"Bad file descriptor")


def test_killing_ends_what_it_started(make_child):
    child = make_child(
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('child', p.pid, flush=True); time.sleep(60)"
    )
    child.start()
    wait_until(lambda: child.log_says(b"\n"))
    grandchild = int(child.last_words().split()[1])
    child.kill()
    wait_until(lambda: not alive(grandchild))


def test_the_guard_ends_even_what_ignores_sigterm(tmp_path):
    """The supervisor's end is the closing of the guard's standard input: here, `close`."""
    watching = Guard(paths=[tmp_path / "leftover"], keep_open=())
    (tmp_path / "leftover").touch()
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    program = Program("stubborn", [sys.executable, "-c", code], answers=lambda child: True)
    child = Child(program, folder=tmp_path, logs=tmp_path, watched_by=watching)
    child.start()
    wait_until(lambda: child.log_says(b"on"))
    watching.close()
    assert child.died() == -signal.SIGKILL
    assert not (tmp_path / "leftover").exists()


def test_a_guard_that_was_killed_is_started_again(make_child, guard):
    child = make_child("import time; time.sleep(60)")
    child.start()
    before = guard._process.pid
    os.kill(before, signal.SIGKILL)
    guard._process.wait()
    guard.check()
    assert guard._process.pid != before
    guard.close()
    wait_until(lambda: child.died() is not None)


def test_a_long_log_is_moved_aside_while_it_is_written(tmp_path):
    log = tmp_path / "example.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old " * 100)
        rotate(log, limit=100)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "example.log.1").read_bytes() == b"old " * 100


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
