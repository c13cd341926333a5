"""No secret of an installation is in anything that it writes or shows."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orchestra.launcher.installation import free_loopback_port
from tests import servers
from tests.canaries import places
from tests.canaries.provider import repeating
from tests.canaries.story import Story, canary, given
from tests.installations import Installation, running
from tests.migrated import create_migrated_database
from tests.receivers import receiver

pytestmark = pytest.mark.xdist_group("canaries")
Tables = Callable[[], Iterator[tuple[str, bytes]]]
# Where the session's id belongs: Django finds the session by it.
SESSIONS = "table django_session"
SESSIONS_LIE_IN = (SESSIONS, "orchestra.sqlite3", "orchestra.sqlite3-wal")
# Nobody answers there: what is asked of a provider on the internet fails at once.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


@contextmanager
def embedded(folder: Path, known: dict[str, str]) -> Iterator[tuple[dict[str, str], str, Tables]]:
    """(variables, the broker's address, the tables)"""
    data = folder / "data"
    yield {}, f"unix://{data}/valkey.sock", lambda: places.sqlite_tables(data / "orchestra.sqlite3")


@contextmanager
def with_passwords(
    folder: Path, known: dict[str, str]
) -> Iterator[tuple[dict[str, str], str, Tables]]:
    """PostgreSQL and a broker on the network, each with a password in its address."""
    known["database password"], known["broker password"] = canary("database"), canary("broker")
    # Not in pytest's folder, which PostgreSQL's account may not enter.
    with tempfile.TemporaryDirectory(prefix="orchestra-test-") as open_folder:
        yield from _with_passwords(Path(open_folder), known)


def _with_passwords(
    folder: Path, known: dict[str, str]
) -> Iterator[tuple[dict[str, str], str, Tables]]:
    database = servers.postgres(folder).start()
    # As the library has it: the folder of the socket is the host.
    there = f"host={folder}/postgres user=postgres"
    create_migrated_database(database.url)
    url = database.url.replace("postgres@", f"postgres:{known['database password']}@")
    broker, address = _broker(folder, known["broker password"])
    try:
        variables = {"DATABASE_URL": url, "REDIS_URL": address}
        yield variables, address, lambda: places.postgres_tables(f"{there} dbname=orchestra")
    finally:
        broker.stop()
        database.stop()


def _broker(folder: Path, password: str) -> tuple[servers.Server, str]:
    port = free_loopback_port()
    plain = servers.valkey(folder)
    arguments = [*plain.arguments, "--port", str(port), "--requirepass", password]
    broker = replace(plain, arguments=arguments, ready=lambda: _answers(port)).start()
    return broker, f"redis://:{password}@127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) == 0


KINDS = {"embedded": embedded, "postgres": with_passwords}


def tell(story: Story, url: str) -> int:
    """The whole story; how many answers of the API were read at its end."""
    story.people()
    story.connections(url)
    story.tools(url)
    story.keys()
    with receiver(500, 500) as heard:
        story.runs(heard)
        story.secrets_of_callbacks(heard)
        read = story.read_api()
        story.visitor.walk("/", "/admin/")
        story.visitor.seen |= {f"callback {n}": body for n, (_, body) in enumerate(heard.seen)}
    return read


def written(installation: Installation, broker: str, tables: Tables) -> dict[str, bytes]:
    """What lies in the database, in the broker, and in the files of the installation."""
    return {
        **dict(tables()),
        **dict(places.broker_keys(broker)),
        **dict(places.files(installation.data)),
    }


# It has servers of its own; the mark says that it is to run once more for PostgreSQL.
@pytest.mark.django_db
def test_no_secret_is_written_or_shown(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = KINDS[request.config.getoption("--database")]
    known = given()
    with repeating() as model, kind(tmp_path, known) as (variables, broker, tables):
        more = {
            "ORCHESTRA_MODEL": "openai_compatible:repeats",
            "ORCHESTRA_LLM_URL": model.url,
            "ORCHESTRA_LLM_MODEL": "repeats",
            "ORCHESTRA_EGRESS_ALLOW": "127.0.0.1",
        }
        started = {name: text for name, text in known.items() if name.isupper()}
        with running(tmp_path / "data", **started, **variables, **more, **NOWHERE) as installation:
            first, second = known.pop("ORCHESTRA_ENCRYPTION_KEYS").split(",")
            known |= {"encryption key": first, "second encryption key": second}
            story = Story(installation, known)
            read = tell(story, model.url)
            found = written(installation, broker, tables)
            # After the end, too: what processes say when they leave.
        found |= dict(places.files(tmp_path / "data"))
        story.visitor.close()
        # The control: secrets were really sent, are found where they are, and masks are seen.
        sent = b"".join(str((call.headers, call.body)).encode() for call in model.calls)
        for name in ("ORCHESTRA_LLM_KEY", "connection key", "odd key"):
            assert places.found_in({"sent": sent}, {name: known[name]}), name
        everything = {**found, **story.visitor.seen}
        session = {"session id": known.pop("session id")}
        assert places.found_in({SESSIONS: found[SESSIONS]}, session)
        elsewhere = {k: v for k, v in everything.items() if k not in SESSIONS_LIE_IN}
        assert places.found_in(elsewhere, session) == []
        size = sum(map(len, everything.values()))
        with capsys.disabled():
            print(  # noqa: T201 - the figures
                f"\n{len(known) + 1} canaries in {len(everything)} places ({len(found)} written, "
                f"{len(story.visitor.seen)} answers, {read} of them the API's at the end), "
                f"{size / 1e6:.1f} MB, {len(model.calls)} model calls"
            )
        assert b"(secret)" in found["table executor_step"]
        assert places.found_in(everything, known) == []
