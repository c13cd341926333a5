"""What an installation holds: lock, address, socket; and the sentences when it cannot."""

from __future__ import annotations

import socket
import stat

import pytest

from orchestra.env import read_environment
from orchestra.launcher import installation, programs
from orchestra.launcher.installation import CannotStart
from orchestra.launcher.welcome import curl_line


def test_the_data_folder_is_private(tmp_path):
    data = tmp_path / "deep" / "data"
    installation.prepare_folder(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "logs").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot be written"):
        installation.prepare_folder(tmp_path / "file" / "data")


def test_the_lock_is_held_once_and_free_afterwards(tmp_path):
    second = installation.locked(tmp_path)
    with (
        installation.locked(tmp_path),
        pytest.raises(CannotStart, match="already runs on .* ORCHESTRA_DATA"),
    ):
        second.__enter__()
    with installation.locked(tmp_path):
        pass


def test_a_taken_port_is_a_sentence():
    with installation.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} .* ORCHESTRA_PORT"):
            installation.listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_a_sentence():
    with pytest.raises(CannotStart, match="check ORCHESTRA_HOST"):
        installation.listen("192.0.2.1", 18999)


def test_a_dead_brokers_socket_is_removed(tmp_path):
    path = tmp_path / "valkey.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert not installation.broker_answers(path)
    installation.prepare_socket(path)
    assert not path.exists()


def test_a_socket_folder_of_its_own_goes_with_it(tmp_path):
    path = tmp_path / "own" / "valkey.sock"
    installation.prepare_socket(path)
    path.touch()
    installation.remove_socket(path, tmp_path / "data")
    assert not path.parent.exists()


def test_the_data_folder_stays_when_its_socket_goes(tmp_path):
    (tmp_path / "valkey.sock").touch()
    installation.remove_socket(tmp_path / "valkey.sock", tmp_path)
    assert tmp_path.exists()
    assert not (tmp_path / "valkey.sock").exists()


def test_a_missing_local_model_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "LOCAL_MODEL_PACKAGES", ("no_such_package",))
    environment = read_environment({"ORCHESTRA_DATA": str(tmp_path)})
    with pytest.raises(CannotStart, match="no_such_package.*ORCHESTRA_LOCAL_MODEL=0"):
        programs.local_model(environment)


def test_secrets_are_not_arguments(tmp_path):
    """Other users of the machine can read command lines."""
    program, variables = programs.local_model(read_environment({"ORCHESTRA_DATA": str(tmp_path)}))
    key = variables["ORCHESTRA_LOCAL_MODEL_KEY"]
    assert len(key) >= 24
    assert not [argument for argument in program.arguments if key in argument]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8123"),
        ("0.0.0.0", "http://127.0.0.1:8123"),  # noqa: S104 - only asked about
        ("::1", "http://[::1]:8123"),
    ],
)
def test_the_address_opens_on_this_machine(tmp_path, host, address):
    variables = {"ORCHESTRA_DATA": str(tmp_path), "ORCHESTRA_HOST": host, "ORCHESTRA_PORT": "8123"}
    assert programs.address(read_environment(variables)) == address


def test_the_curl_line_is_quoted_for_a_shell():
    line = curl_line("http://h/api/deployed/a", "orc_a_b", {"text": 'It\'s $HOME & "more"\n`x`'})
    assert line.startswith("curl ")
    assert "\n" not in line
    assert '\'{"text":"It\'"\'"\'s $HOME & \\"more\\"\\n`x`"}\'' in line
