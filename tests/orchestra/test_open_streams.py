"""Open streams leave the database to others: more of them than a process has connections."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from orchestra.settings import POOL_SIZE
from tests import servers
from tests.canaries.visitor import Visitor
from tests.installations import PASSWORD, Installation, running
from tests.migrated import create_migrated_database
from tests.model_server import Exchange, ModelServer, model_server
from tests.role_keys import role_keys
from tests.waiting import wait_until

# Like any that starts an installation of its own; the mark says that it uses PostgreSQL.
pytestmark = [pytest.mark.xdist_group("open-streams")]

MORE_THAN_THE_POOL = POOL_SIZE + 4
PAGES = ("/", "/executions/", "/deployments/", "/designs/", "/account/")


@dataclass
class Place:
    """An installation of one web process on PostgreSQL, whose model never answers."""

    installation: Installation
    key: str
    browser: Visitor
    model: ModelServer

    def pages(self) -> None:
        """Every page and a read of the API still answer."""
        for path in PAGES:
            assert self.browser.send("GET", path).status_code == 200, path
        assert len(self.browser.api(self.key, "GET", "/api/executions")["results"]) >= 1

    def running(self, path: str = "/api/deployed/role/greet") -> str:
        """A run that goes on as long as the test."""
        return str(self.browser.api(self.key, "POST", path, {}, Prefer="respond-async")["log_id"])

    def draft(self) -> str:
        """Where an open draft is told of writes."""
        [design, *_] = self.browser.api(self.key, "GET", "/api/designs")["results"]
        return f"/designs/{design['id']}/stream/"

    def threads(self) -> int:
        """How many threads the web process has."""
        web = [one for one in self.installation.family() if "gunicorn" in " ".join(one.cmdline())]
        return max(one.num_threads() for one in web)


def never(exchange: Exchange) -> None:
    """Answer only when the server closes."""
    exchange.wait(600)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    # Not in pytest's folder, which PostgreSQL's account may not enter.
    with (
        tempfile.TemporaryDirectory(prefix="orchestra-test-") as folder,
        model_server() as model,
    ):
        model.usual = never
        database = servers.postgres(Path(folder)).start()
        create_migrated_database(database.url)
        variables = {
            "DATABASE_URL": database.url,
            "ORCHESTRA_WEB_PROCESSES": "1",
            "ORCHESTRA_MODEL": "",
            "ORCHESTRA_LLM_URL": model.url,
            "ORCHESTRA_LLM_MODEL": "slow",
            "ORCHESTRA_STREAMS_PER_CALLER": "200",
        }
        with running(Path(folder) / "data", **variables) as installation:
            browser = Visitor(installation.address)
            assert browser.sign_in("admin", PASSWORD).status_code == 302
            keys = role_keys(installation)["keys"]
            yield Place(installation, keys["Operator"], browser, model)
            browser.close()
        database.stop()


@contextlib.contextmanager
def streams(
    place: Place, path: str, count: int, method: str = "GET", **more: object
) -> Iterator[list[Iterator[bytes]]]:
    """So many open streams, each of which has said something."""
    with contextlib.ExitStack() as stack:
        found = []
        client = stack.enter_context(
            httpx2.Client(base_url=place.installation.address, timeout=60, trust_env=False)
        )
        for _ in range(count):
            answer = stack.enter_context(client.stream(method, path, **more))  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.read()
            parts = answer.iter_bytes()
            assert next(parts)
            # Kept, because a client that drops them closes the connection.
            found.append(parts)
        yield found


def test_streams_of_a_page_by_session(place: Place) -> None:
    cookies, before = dict(place.browser.client.cookies), place.threads()
    with streams(place, place.draft(), MORE_THAN_THE_POOL, cookies=cookies):
        place.pages()
        # Those that read rows are shared, and few.
        assert place.threads() < before + MORE_THAN_THE_POOL / 2


def test_streams_that_are_opened_at_the_same_moment(place: Place) -> None:
    """Each reads its session first and the run after that: none waits for a second connection while
    it holds a first one.
    """
    pk, draft, cookies = place.running(), place.draft(), dict(place.browser.client.cookies)
    count = 4 * POOL_SIZE
    address = place.installation.address
    limits = httpx2.Limits(max_connections=count)
    with (
        httpx2.Client(base_url=address, timeout=60, trust_env=False, limits=limits) as client,
        ThreadPoolExecutor(count) as pool,
    ):

        def status(number: int) -> int:
            path = (draft, f"/api/executions/{pk}/events")[number % 2]
            with client.stream("GET", path, cookies=cookies) as answer:
                return answer.status_code

        assert set(pool.map(status, range(count))) == {200}
    place.pages()


def test_streams_of_the_api_by_session(place: Place) -> None:
    pk, cookies = place.running(), dict(place.browser.client.cookies)
    path = f"/api/executions/{pk}/events"
    with streams(place, path, MORE_THAN_THE_POOL, cookies=cookies):
        place.pages()


def test_streams_of_the_api_by_key(place: Place) -> None:
    path = f"/api/executions/{place.running()}/events"
    headers = {"Authorization": f"Bearer {place.key}"}
    with streams(place, path, MORE_THAN_THE_POOL, headers=headers):
        place.pages()


def test_calls_of_a_session_that_wait(place: Place) -> None:
    """A signed-in person's calls, with the token that belongs to the session."""
    client, model = place.browser.client, place.model
    token = client.cookies["csrftoken"]
    asked = len(model.calls)
    headers = {"X-CSRFToken": token, "Origin": place.installation.address, "Prefer": "wait=60"}
    with ThreadPoolExecutor(MORE_THAN_THE_POOL) as pool:
        calls = [
            pool.submit(client.post, "/api/deployed/role/greet", json={}, headers=headers)
            for _ in range(MORE_THAN_THE_POOL)
        ]
        wait_until(lambda: len(model.calls) >= asked + MORE_THAN_THE_POOL, 60)
        place.pages()
        model.closing.set()
        # What they waited for broke off; each is told so.
        assert {done.result().status_code for done in calls} <= {200, 202, 502}
