"""Hostile text in every place that people, models and servers can write to is shown as text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.hostile.browser import Seen, opened, sent, signed_in
from tests.hostile.rows import planted
from tests.hostile.texts import hostile_texts, packed, polyglots
from tests.installations import Installation, running

pytestmark = pytest.mark.xdist_group("hostile")
# Forms that come back with what was typed.
FORMS = (
    "/deployments/new/", "/keys/new/", "/account/password/",
    "/admin/auth/user/add/", "/admin/auth/group/add/", "/admin/designs/design/add/",
    "/admin/deployments/apikey/add/", "/admin/executor/modelconnection/add/",
    "/admin/deployments/deployment/add/", "/admin/django_celery_beat/crontabschedule/add/",
)  # fmt: skip
AGENT_LETTERS = 190


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "data") as found:
        yield found


def sign_in_as_strange_browsers(installation: Installation) -> None:
    """The list of open sessions says which program each one has; the audit, which name failed."""
    from tests.canaries.visitor import Visitor
    from tests.installations import PASSWORD

    agents = [text for text in packed(hostile_texts(), AGENT_LETTERS) if text.isprintable()]
    agents = [" ".join(polyglots()[:2]), *(agent for agent in agents if agent.isascii())][:5]
    for agent in agents:
        visitor = Visitor(installation.address)
        visitor.client.headers["User-Agent"] = agent
        assert visitor.sign_in("admin", PASSWORD).status_code == 302
        visitor.close()
    visitor = Visitor(installation.address)
    for name in polyglots()[:2]:
        assert visitor.sign_in(name, "wrong").status_code in (200, 422)
    visitor.close()


def call_strangely(installation: Installation) -> None:
    """Real calls with hostile inputs and header values; the stand-in says them back."""
    path, key, _ = installation.sample
    for at, text in enumerate(packed([t for t in hostile_texts() if t.isascii()], 2_000)[:6]):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": polyglots()[at]}
        headers["Prefer"] = "respond-async" if at % 2 else "wait=20"
        body = {"notes": text, polyglots()[0]: text}
        answer = httpx2.post(
            f"{installation.address}{path}", json=body, headers=headers, trust_env=False
        )
        assert answer.status_code in (200, 202, 422), answer.text


async def test_nothing_runs_and_nothing_is_asked_for(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    sign_in_as_strange_browsers(installation)
    call_strangely(installation)
    places = planted(installation)
    planted_after = time.monotonic() - began
    seen = Seen(installation.address)
    usual: set[str] = set()
    async with signed_in(installation.address, seen) as context:
        with seen.noting(usual):
            await opened(context, seen, places["harmless"])
        asked: set[str] = set()
        with seen.noting(asked):
            await opened(context, seen, places["hostile"])
            await sent(context, seen, FORMS, polyglots()[:4])
    shown = {text for text in hostile_texts() if "\0" not in text}
    for text in list(shown):
        if any(text in page for name, page in seen.shown.items() if name.startswith("/admin/")):
            shown.discard(text)
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{len(hostile_texts())} texts, {len(polyglots())} that break out; "
            f"{len(seen.shown)} views of pages, {len(asked)} kinds of requests, "
            f"{len(seen.acts)} acts; {planted_after:.0f} s to write, "
            f"{time.monotonic() - began:.0f} s in all"
        )
    assert not seen.acts, "\n".join(seen.acts)
    assert asked - usual - {f"{path}" for path in FORMS} == set()
    assert not shown, "these were shown nowhere as they are"
