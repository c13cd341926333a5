"""The whole API against its own document: no fault of the server, nothing undocumented."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from orchestra.api.document import api_document
from tests.installations import running
from tests.role_keys import role_keys

SEED = 20_260_105
# Four for each role; what is odd in each field and body has sweeps of its own.
EXAMPLES = 20
# A run that failed is told with these; they are documented where they can be.
RUN_STATUSES = {502, 503, 504}
NAMES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Which of the things that were made takes the place of a random id, by the start of the path.
MADE = {
    "/api/designs/{id}": "design",
    "/api/deployments/{id}": "deployment",
    "/api/keys/{id}": "key",
    "/api/executions/{execution_id}": "execution",
    "/api/requests/{id}": "request",
}
PATHS = ("role/greet", "role/double", "sample", "no/such/path")

load_all_checks()
DOCUMENT: Any = schemathesis.openapi.from_dict(api_document())
OPERATIONS = {found.ok().label: found.ok() for found in DOCUMENT.get_all_operations()}

pytestmark = pytest.mark.xdist_group("schemathesis")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    data = tmp_path_factory.mktemp("schemathesis") / "data"
    with running(data) as installation:
        yield installation.address, role_keys(installation)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        yield found


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_an_operation_keeps_to_the_document(
    label: str, server: tuple[str, dict[str, Any]], session: requests.Session
) -> None:
    print(f"seed {SEED}")  # noqa: T201
    address, made = server
    operation, chosen = OPERATIONS[label], random.Random(f"{SEED} {label}")
    roles = list(made["keys"].values())
    checks = [found for found in CHECKS.get_all() if found.__name__ in NAMES]
    assert len(checks) == len(NAMES)
    seen: list[int] = []
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        if _takes_something(operation)
        else st.nothing(),
    )

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=cases)
    def check(case: Any) -> None:
        _aim(case, made["ids"], chosen)
        # Each role in turn.
        key = roles[len(seen) % len(roles)]
        response = case.call(
            base_url=address,
            session=session,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )
        seen.append(response.status_code)
        assert response.status_code < 500 or response.status_code in RUN_STATUSES, response.text
        case.validate_response(response, checks=checks)

    check()
    # What takes nothing has one example, which each role sends.
    while len(seen) < len(roles):
        hypothesis.seed(SEED)(check)()
    assert len(seen) >= (EXAMPLES if _takes_something(operation) else len(roles))


def _takes_something(operation: Any) -> bool:
    return bool(operation.body) or any(
        list(part) for part in (operation.path_parameters, operation.query, operation.headers)
    )


def _aim(case: Any, ids: dict[str, str], chosen: random.Random) -> None:
    """Most cases go to what is there."""
    parameters = case.path_parameters or {}
    if not parameters or chosen.random() < 0.2:
        return
    word = next((word for start, word in MADE.items() if case.path.startswith(start)), "")
    if case.method == "DELETE":
        # A deleted thing would be there for one case only.
        word = {"deployment": "spare deployment", "key": "key"}.get(word, "")
    there = {
        "path": chosen.choice(PATHS),
        "delivery_id": ids["delivery"],
        "log_id": ids["execution"],
        "number": "1",
    }
    for name in parameters:
        if name in there or word:
            parameters[name] = there.get(name) or ids[word]
