"""Hostile text in every place that people, models and servers can write to is shown as text.

All texts are planted in all places. Without an option a part of the pages is opened in the browser:
each template and each place where text is shown, each page once. `make hostile` (`--every-page`)
opens every page: also those that differ from one of these only in the row that they name, and
searches and forms anew for each text that breaks out of its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Error as BrowserError

from tests.canaries.visitor import Visitor
from tests.crawling import NUMBER
from tests.hostile.browser import Seen, signed_in, visited
from tests.hostile.rows import planted
from tests.hostile.texts import hostile_texts, packed, polyglots
from tests.hostile.visits import visits
from tests.installations import PASSWORD, Installation, running

pytestmark = pytest.mark.xdist_group("hostile")
# What pages ask for by themselves, besides pages that are opened and static files.
USUAL = {
    "data", "/admin/jsi18n/", "/api/executions/N/events", "/schedules/preview/",
    # The designer's.
    "/api/designs/N/validate", "/api/designs/N/versions/1", "/api/designs/N/evaluate",
    "/api/executions", "/designs/N/place/", "/designs/N/presence/", "/designs/N/stream/",
}  # fmt: skip
AGENT_LETTERS = 190
# Texts that take a page over may keep it from coming to an end.
MAX_SECONDS = 240.0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "data") as found:
        yield found


def sign_in_as_strange_browsers(installation: Installation) -> None:
    """The list of open sessions says which program each one has; the audit, which name failed."""
    agents = [text for text in packed(hostile_texts(), AGENT_LETTERS) if text.isprintable()]
    agents = [" ".join(polyglots()[:2]), *(agent for agent in agents if agent.isascii())][:3]
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
    installation: Installation, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> None:
    everything = pytestconfig.getoption("every_page", default=False)
    sign_in_as_strange_browsers(installation)
    call_strangely(installation)
    planted_paths = planted(installation)
    to_visit = visits(planted_paths, everything=everything)
    seen = Seen(installation.address)
    try:
        async with asyncio.timeout(MAX_SECONDS), signed_in(seen.address, seen) as context:
            await visited(context, seen, to_visit)
    except (BrowserError, TimeoutError) as error:
        # What texts did before says more.
        seen.acts.append(f"it broke off: {error!r}")
    paths = [*planted_paths, *(visit.path for visit in to_visit)]
    usual = USUAL | {NUMBER.sub("N", urlsplit(path).path) for path in paths}
    unusual = {path for path in seen.kinds - usual if not path.startswith("/static/")}
    admin, ours = shown_in(seen, "/admin/"), shown_in(seen, "/")
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{len(hostile_texts())} texts and {len(polyglots())} that break out; "
            f"{len(to_visit)} pages, {len(seen.shown)} views ({len(admin)} texts seen in the "
            f"admin, {len(ours)} elsewhere), {len(seen.kinds)} kinds of requests, "
            f"{len(seen.acts)} acts"
        )
    assert not seen.acts, "\n".join(seen.acts[:50])
    assert unusual == set()
    # The control: all of them were shown, letter by letter.
    whole = {text for text in hostile_texts() if "\0" not in text}
    assert whole - admin == whole - ours == set()


def shown_in(seen: Seen, start: str) -> set[str]:
    """The texts that pages show as they are, in the admin or elsewhere."""
    pages = [
        page
        for name, page in seen.shown.items()
        if name.startswith(start) and (start != "/" or not name.startswith("/admin/"))
    ]
    # The longest have most of them.
    pages.sort(key=len, reverse=True)
    return {text for text in hostile_texts() if any(text in page for page in pages)}
