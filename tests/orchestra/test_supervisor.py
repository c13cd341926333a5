"""The whole installation under its supervisor: starts, answers, survives, leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import contextmanager

import pytest

from tests.installations import PASSWORD, again, end, living, running, start
from tests.waiting import wait_until

# They start many processes: one after the other.
pytestmark = pytest.mark.xdist_group("installations")


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_all_gone(found, family):
    socket_path = found.data / "valkey.sock"
    wait_until(lambda: not (living(family) or answers(found.port) or socket_path.exists()))


def test_the_printed_line_works_in_a_shell(installation):
    body, _, status = installation.curl().stdout.rpartition("\n")
    assert status == "200"
    answer = json.loads(body)
    assert answer["success"] is True
    assert answer["status"] == "completed"
    assert answer["result"]


def test_a_given_password_is_not_printed(installation):
    assert "ORCHESTRA_ADMIN_PASSWORD" in installation.wait_for("^Sign in as admin")
    assert PASSWORD not in installation.output


def test_no_process_that_serves_has_the_first_password(installation):
    """Nor do programs that are not ours have the installation's other secrets."""
    named = {one.pid: one.environ() for one in installation.family()}
    assert len(named) >= 5
    for variables in named.values():
        assert "ORCHESTRA_ADMIN_PASSWORD" not in variables
        assert PASSWORD not in str(variables)
    valkey = next(one for one in installation.family() if one.name() == "valkey-server")
    guard = installation.member("-I", "-S")
    for process in (valkey, guard):
        assert "not-for-others" not in str(process.environ())
    assert "not-for-others" in str(installation.member("gunicorn").environ())


def test_a_second_supervisor_on_the_folder_says_so(installation):
    second = again(installation)
    assert second.process.wait(timeout=60) == 1
    assert "already runs on" in second.wait_for("already runs")
    assert installation.curl().stdout.endswith("200")


def test_another_folder_on_the_same_port_says_so(installation, tmp_path):
    second = start(tmp_path / "other", port=installation.port)
    assert second.process.wait(timeout=60) == 1
    assert f"Port {installation.port}" in second.wait_for("is taken")
    assert not (tmp_path / "other" / "valkey.sock").exists()


def test_a_web_server_that_dies_is_started_again(installation):
    installation.member("gunicorn").kill()
    installation.wait_for("web ended .* starting it again")
    assert installation.curl().stdout.endswith("200")


def test_a_broker_that_dies_is_started_again(installation):
    valkey = next(one for one in installation.family() if one.name() == "valkey-server")
    valkey.kill()
    installation.wait_for("valkey ended .* starting it again")
    assert installation.curl().stdout.endswith("200")


def kill_with_a_frozen_worker(found):
    # One that can do nothing about its own end.
    found.member("worker").send_signal(signal.SIGSTOP)
    found.process.kill()


def test_it_goes_on_where_it_was_after_it_was_stopped_and_after_it_was_killed(
    installation, tmp_path
):
    """In a folder with a long path beside another installation. They do not meet; a unix socket's
    path may not be longer than 107 bytes, so that the other's lies elsewhere.
    """
    data = tmp_path / ("long-" * 20) / "data"
    with running(data, is_migrated=False, ORCHESTRA_ADMIN_PASSWORD="") as first:
        shown = first.wait_for("^Sign in as admin with the password .* once")
        curl = first.wait_for("^curl ")
        assert first.curl().stdout.endswith("200")
        assert curl != installation.wait_for("^curl ")
        family = first.family()
        assert first.stop() == 0
        wait_until_all_gone(first, family)
    assert installation.curl().stdout.endswith("200")
    with going_on(first) as second:
        assert second.wait_for("^curl ") == curl
        assert "Sign in as admin" not in second.output
        assert shown.split()[7] not in second.output
        assert second.curl().stdout.endswith("200")
        kill_with_a_frozen_worker(second)
        # A start right after that waits until nothing is left.
        with going_on(second) as third:
            assert third.curl().stdout.endswith("200")
            family = third.family()
            assert {"valkey-server"} <= {one.name() for one in family}
            kill_with_a_frozen_worker(third)
            third.process.wait()
            wait_until_all_gone(third, family)


@contextmanager
def going_on(found):
    """Started again on its folder, and answering."""
    started = again(found)
    try:
        started.wait_until_ready()
        yield started
    finally:
        end(started)
