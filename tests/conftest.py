"""Fixtures that all tests share: people of each group, their browsers and API clients."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase
from rest_framework.test import APIClient

from tests.emptying import Emptying
from tests.installations import Installation, running
from tests.migrated import copy_migrated_database, migrated_template
from tests.steady_names import name_of_value, unsteady

# Begun first, or the other processes wait for the last of them at the end. Groups come before.
MAX_LENGTH = (
    "test_canaries.py", "test_faults.py", "test_access_matrix.py", "test_odd_values.py",
    "test_walks.py", "test_limited_memory.py",
)  # fmt: skip
# Where no test touches rows: not even read where only those run that do.
WITHOUT_ROWS = tuple(
    Path(__file__).parent / name
    for name in (
        "api/test_schemathesis.py", "designs/graph", "designs/patterns", "executor/engine",
        "journeys", "test_architecture.py",
    )
)  # fmt: skip
PASSWORD = "correct horse battery staple"
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-access-matrix",
        action="store_true",
        help="write tests/access_matrix.tsv anew from what the routes answer",
    )


# Beside other tests on a busy machine, time says nothing about what is generated.
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")


def pytest_configure() -> None:
    # Until all tests are collected nothing is garbage, and each search for it would look through
    # more of them.
    gc.disable()
    # Hashing a password costs a fifth of a second on purpose; not here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test's browser would look through all static files, as a server does at its start: a
    # sixth of the time of all tests.
    settings.WHITENOISE_AUTOREFRESH = True


def _touches_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & DATABASE_FIXTURES) or item.get_closest_marker("django_db") is not None


def _depends_on_database(item: pytest.Item) -> bool:
    return _touches_database(item) and item.get_closest_marker("any_database") is None


def _is_misplaced(item: pytest.Item) -> bool:
    return _is_without_rows(item.path) and _touches_database(item)


def _is_without_rows(path: Path) -> bool:
    return any(path.is_relative_to(one) for one in WITHOUT_ROWS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.getoption("--only-database") and _is_without_rows(collection_path):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-database"):
        others = [item for item in items if not _depends_on_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _depends_on_database(item)]
    if odd := [item.nodeid for item in items if _is_misplaced(item)]:
        raise pytest.UsageError("No test of these folders touches rows: " + ", ".join(odd))
    order = {name: place for place, name in enumerate(MAX_LENGTH)}
    items.sort(key=lambda item: order.get(item.path.name, len(MAX_LENGTH)))
    if wrong := unsteady(item.nodeid for item in items):
        raise pytest.UsageError(
            "Give these parameters ids that are short and the same in each run:\n"
            + "\n".join(name[:300] for name in wrong)
        )


def pytest_make_parametrize_id(val: Any) -> str | None:
    return name_of_value(val)


def pytest_collection_finish() -> None:
    # Thousands of tests and their modules stay to the end: each collection of what tests leave
    # behind would look through all of them.
    gc.collect()
    gc.freeze()
    # To look for garbage at each 700 new objects took a twentieth of the time of all tests.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None:
        # Or nobody would be told what the last tests of a process have left open.
        gc.collect()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """SQLite in a file, as in an installation; in memory, threads would see other databases."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        path = settings.ENVIRONMENT.data / "test.sqlite3"
        copy_migrated_database(path)
        database["TEST"]["NAME"] = str(path)
    else:
        database["TEST"]["TEMPLATE"] = migrated_template(settings.ENVIRONMENT.database_url)
    # Threads of tests end soon, and nobody closes what one kept for its next call.
    database["CONN_MAX_AGE"] = 0


@pytest.fixture(scope="session", autouse=True)
def no_default_connection() -> None:
    """Most tests ask no database for the default model."""
    from executor.language_models.chosen_default import remember_default

    remember_default(None)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """A copy of a migrated database is taken as it is, and goes with its folder."""
    return bool(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Threads keep their connections to the end, for which dropping the database would wait."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


@pytest.fixture(autouse=True, scope="session")
def _empty_quickly() -> Iterator[None]:
    emptying = Emptying()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: emptying.after(case))
        yield


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Limits and cached rows of one test are nothing to the next."""
    yield
    if _touches_database(request.node):
        cache.clear()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One as `make run` starts it, with a key for one provider, for all who change little in it;
    they belong to the group "installations".
    """
    data = tmp_path_factory.mktemp("installation") / "data"
    with running(data, OPENAI_API_KEY="not-for-others") as found:
        yield found


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Makes a person: `make_user("ada", "Operator", "Designer")`."""

    def make(name: str, *groups: str, **fields: Any) -> User:
        user = User.objects.create_user(name, password=PASSWORD, **fields)
        user.groups.set(Group.objects.filter(name__in=groups))
        assert user.groups.count() == len(groups)
        return user

    return make


@pytest.fixture
def viewer(make_user: Callable[..., User]) -> User:
    return make_user("viewer", "Viewer")


@pytest.fixture
def operator(make_user: Callable[..., User]) -> User:
    return make_user("operator", "Operator")


@pytest.fixture
def designer(make_user: Callable[..., User]) -> User:
    return make_user("designer", "Designer")


@pytest.fixture
def deployer(make_user: Callable[..., User]) -> User:
    return make_user("deployer", "Deployer")


@pytest.fixture
def administrator(make_user: Callable[..., User]) -> User:
    return make_user("administrator", "Administrator", is_staff=True)


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """A test browser in which the person is signed in."""

    def sign_in(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return sign_in


@pytest.fixture
def api_of() -> Callable[[User], APIClient]:
    """An API client with the person's session."""

    def sign_in(user: User) -> APIClient:
        client = APIClient()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api_with() -> Callable[[str], APIClient]:
    """An API client that sends the key (empty: none) and checks CSRF as a server does."""

    def client(key: str) -> APIClient:
        found = APIClient(enforce_csrf_checks=True)
        if key:
            found.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return found

    return client
