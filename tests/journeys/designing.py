"""Opens designs in the designer, and reads what was saved."""

from __future__ import annotations

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.waiting import PATIENCE_SECONDS

Document = dict[str, Any]

CALL = """
async ([method, path, body]) => {
  const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token ?? "" };
  const init = { method, headers };
  if (body !== null) init.body = JSON.stringify(body);
  const answer = await fetch(path, init);
  return [answer.status, await answer.json()];
}
"""


def call(page: Page, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A call of the API as the person who is signed in."""
    status, answer = page.evaluate(CALL, [method, path, body])
    assert status < 300, answer
    return answer


def open_design(page: Page, document: Document, name: str = "Drawn") -> str:
    """A new design with this draft, opened in the designer; its id."""
    found = call(page, "POST", "/api/designs", {"name": name, "document": document})
    open_designer(page, found["id"])
    return str(found["id"])


def open_designer(page: Page, design: str) -> None:
    page.goto(f"/designs/{design}/")
    expect(page.get_by_role("toolbar", name="Canvas tools")).to_be_visible()


def saved(page: Page, design: str) -> Document:
    """The draft once everything is saved."""
    expect(page.locator(".saved", has_text=re.compile(r"^\s*Saved"))).to_be_visible()
    return dict(call(page, "GET", f"/api/designs/{design}")["document"])


def wait_for_draft(page: Page, design: str, **wanted: int) -> Document:
    """The saved draft as soon as it has so many blocks and connections."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        document = saved(page, design)
        counts = {key: len(document.get(key, [])) for key in wanted}
        if counts == wanted:
            return document
        assert time.monotonic() < deadline, counts
        page.wait_for_timeout(100)


def block(page: Page, label: str) -> Locator:
    """The block on the canvas with this label."""
    return page.locator(".react-flow__node").filter(
        has=page.locator(".block-name b").get_by_text(label, exact=True)
    )


def drag(page: Page, start: Locator, end: Locator) -> None:
    """From the middle of one to the middle of the other, in steps."""
    for place, element in enumerate((start, end)):
        box = element.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y, steps=8 if place else 1)
        if not place:
            page.mouse.down()
    # The target is looked for once a frame.
    page.wait_for_timeout(100)
    page.mouse.up()


def agent(name: str) -> Document:
    return {"id": name.lower(), "name": name, "role": "worker", "system_prompt": "Answer."}


def clerks(*labels: str, **connections: str) -> Document:
    """Sequential blocks beside each other, with connections from one label to another."""
    return {
        "blocks": [
            {
                "id": label.lower(),
                "type": "sequential",
                "label": label,
                "task": "",
                "agents": [agent("Clerk")],
                "position": {"x": 320 * place, "y": 0},
            }
            for place, label in enumerate(labels)
        ],
        "connections": [
            {"id": f"{source}_{target}".lower(), "source": source.lower(), "target": target.lower()}
            for source, target in connections.items()
        ],
    }
