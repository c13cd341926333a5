"""Hostile text in every place that people, models and servers can write to is shown as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Error as BrowserError

from tests.canaries.visitor import Visitor
from tests.crawling import NUMBER
from tests.hostile.browser import Seen, chosen, opened, sent, signed_in
from tests.hostile.rows import planted
from tests.hostile.texts import hostile_texts, packed, polyglots
from tests.installations import PASSWORD, Installation, running

pytestmark = pytest.mark.xdist_group("hostile")
# Forms that come back with what was typed.
FORMS = (
    "/deployments/new/", "/keys/new/", "/account/password/",
    "/admin/auth/user/add/", "/admin/auth/group/add/", "/admin/designs/design/add/",
    "/admin/deployments/apikey/add/", "/admin/executor/modelconnection/add/",
    "/admin/deployments/deployment/add/", "/admin/django_celery_beat/crontabschedule/add/",
)  # fmt: skip
# Lists whose rows can be deleted together, after a question that names them.
LISTS = (
    "/admin/auth/user/", "/admin/auth/group/", "/admin/designs/design/",
    "/admin/executor/modelconnection/",
)  # fmt: skip
AGENT_LETTERS = 190
# Texts that take a page over may keep it from coming to an end.
LONGEST_SECONDS = 240.0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "data") as found:
        yield found


def sign_in_as_strange_browsers(installation: Installation) -> None:
    """The list of open sessions says which program each one has; the audit, which name failed."""
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
    seen, usual, asked = Seen(installation.address), set[str](), set[str]()
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await look_everywhere(seen, places, usual, asked)
    except (BrowserError, TimeoutError) as error:
        # What texts did before says more.
        seen.acts.append(f"it broke off: {error!r}")
    usual |= {NUMBER.sub("N", urlsplit(path).path) for path in [*places["hostile"], *FORMS]}
    unusual = {path for path in asked - usual if not path.startswith("/static/")}
    admin, ours = shown_in(seen, "/admin/"), shown_in(seen, "/")
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{len(hostile_texts())} texts and {len(polyglots())} that break out; "
            f"{len(seen.shown)} views of pages ({len(admin)} texts seen in the admin, {len(ours)} "
            f"elsewhere), {len(asked)} kinds of requests, {len(seen.acts)} acts; "
            f"{time.monotonic() - began:.0f} s"
        )
    assert not seen.acts, "\n".join(seen.acts[:50])
    assert unusual == set()
    # The control: all of them were shown, letter by letter.
    whole = {text for text in hostile_texts() if "\0" not in text}
    assert whole - admin == whole - ours == set()


async def look_everywhere(
    seen: Seen, places: dict[str, list[str]], usual: set[str], asked: set[str]
) -> None:
    """Pages with harmless texts first, to see what pages ask for; then all with hostile ones."""
    async with signed_in(seen.address, seen) as context:
        with seen.noting(usual):
            await opened(context, seen, filter(is_compared, places["harmless"]))
        with seen.noting(asked):
            await opened(context, seen, places["hostile"])
            await sent(context, seen, FORMS, polyglots()[:3])
            await sent(context, seen, filter(is_told_of, places["hostile"]), ["/copied/path"])
            await chosen(context, seen, LISTS, "delete_selected")
            await chosen(context, seen, ["/admin/executor/modelconnection/"], "disable")


def is_compared(path: str) -> bool:
    """Some pages show what pages ask for by themselves: of the admin those of one kind of row."""
    return not path.startswith("/admin/") or path.startswith("/admin/deployments/deployment/")


def is_told_of(path: str) -> bool:
    """Verbs whose success is told by a message that names the row."""
    verbs = ("/publish/", "/clone/", "/restore/", "/rerun/")
    return path.startswith("/admin/") and path.endswith(verbs)


def shown_in(seen: Seen, start: str) -> set[str]:
    """The texts that pages show as they are, in the admin or elsewhere."""
    pages = [
        page
        for name, page in seen.shown.items()
        if name.startswith(start) and (start != "/" or not name.startswith("/admin/"))
    ]
    return {text for text in hostile_texts() if any(text in page for page in pages)}
