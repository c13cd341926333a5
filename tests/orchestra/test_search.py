"""The palette and its page find what a person may see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order, enqueue
from executor.models import Execution, Trigger
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
EVIL = "<script>alert(1)</script>"


def deploy(path: str, name: str = "Weekly digest") -> Deployment:
    design = create_design(document={**doubling(), "name": name}, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return deploy_design(design=design, endpoint_path=path, caller=SYSTEM)


def run_of(deployment: Deployment) -> Execution:
    order = Order(
        deployment.version, {"number": 1}, Trigger.MANUAL, SYSTEM, deployment_id=deployment.pk
    )
    return enqueue(order)


@pytest.fixture
def digest() -> Deployment:
    return deploy("/ops/weekly-digest")


def found(browser: Client, text: str) -> str:
    answer: Any = browser.get("/search/", {"q": text}, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("text", ["weekly-dig", "WEEKLY", "/ops/"])
def test_deployments_and_what_can_be_done_with_them(
    operator: User, browser_of: Browser, digest: Deployment, text: str
) -> None:
    page = found(browser_of(operator), text)
    assert f'href="/deployments/{digest.pk}/"' in page
    assert f'href="/deployments/{digest.pk}/execute/"' in page
    # An operator configures nothing.
    assert f'href="/deployments/{digest.pk}/configure/"' not in page


def test_a_verb_comes_before_its_object(
    deployer: User, browser_of: Browser, digest: Deployment
) -> None:
    page = found(browser_of(deployer), "conf digest")
    assert page.count('role="option"') == 1
    assert f'href="/deployments/{digest.pk}/configure/"' in page


@pytest.mark.parametrize("text", ["con", "exec"])
def test_the_beginning_of_a_verb_may_be_that_of_a_path(
    viewer: User, browser_of: Browser, text: str
) -> None:
    deployment = deploy(f"/{text}-reports")
    assert f'href="/deployments/{deployment.pk}/"' in found(browser_of(viewer), text)


def test_designs_by_name_and_pages_by_theirs(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    browser = browser_of(viewer)
    assert f'href="/designs/{digest.design_id}/"' in found(browser, "digest")
    assert 'href="/executions/"' in found(browser, "hist")


def forms(run: Execution) -> list[str]:
    digits = run.pk.hex
    return [
        run.public_id, str(run.pk), digits, run.short_id, digits[:13], f"exec-{digits[:8]}",
        f"{digits[:6]}…{digits[-6:]}", f"http://host/executions/{run.pk}/?block=a",
        run.public_id.upper(),
    ]  # fmt: skip


def test_runs_by_any_form_of_their_id(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    run = run_of(digest)
    browser = browser_of(viewer)
    for text in forms(run):
        assert f'href="/executions/{run.pk}/"' in found(browser, text), text


def test_nothing_hidden_is_found(operator: User, browser_of: Browser, digest: Deployment) -> None:
    run = run_of(digest)
    digest.groups.add(Group.objects.create(name="Others"))
    browser = browser_of(operator)
    for text in ("weekly-digest", "execute weekly", *forms(run)):
        page = found(browser, text)
        assert f"{digest.pk}/" not in page, text
        assert 'href="/executions/' not in page, text


def test_who_may_not(make_user: Callable[..., User], browser_of: Browser, client: Client) -> None:
    assert browser_of(make_user("nobody")).get("/search/").status_code == 403
    answer: Any = client.get("/search/?q=a")
    assert answer["Location"].startswith("/sign-in/")


def test_the_same_page_without_script(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    page = browser_of(viewer).get("/search/?q=digest").content.decode()
    assert "<html" in page
    assert f'href="/deployments/{digest.pk}/"' in page
    assert 'role="option"' not in page


def test_eight_of_each_by_few_queries(
    administrator: User, browser_of: Browser, digest: Deployment
) -> None:
    for number in range(12):
        run_of(deploy(f"/ops/digest-{number}"))
    browser = browser_of(administrator)
    for text in ("digest", run_of(digest).short_id):
        with CaptureQueriesContext(connection) as queries:
            page = found(browser, text)
        assert len(queries) <= 8
    page = found(browser, "digest")
    assert page.count('role="option"') == 24


@pytest.mark.parametrize("text", [EVIL, "\0", "%", "'", "…", "exec-", "f" * 300, "-" * 40, "٣" * 8])
def test_any_text(viewer: User, browser_of: Browser, digest: Deployment, text: str) -> None:
    page = found(browser_of(viewer), text)
    assert EVIL not in page


def test_names_are_text(viewer: User, browser_of: Browser) -> None:
    deploy("/ops/evil", name=f"Digest {EVIL}")
    page = found(browser_of(viewer), "evil")
    assert EVIL not in page
    assert "&lt;script&gt;" in page
