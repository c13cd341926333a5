"""The designer's pages: what they are filled with, and what is done before their pictures."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, Route

from tests.pictures.rows import Api, deploy, run, sample


@dataclass(frozen=True)
class Scene:
    """`of` is the name of a page in the rows; `who` is `plain` (without script) or `viewer`."""

    of: str
    act: Callable[[Page], None] = lambda page: None
    query: str = ""
    who: str = ""


def fill_designs(api: Api, caller: Api) -> dict[str, str]:
    """Name → path: a design of every state that the designer shows."""
    blank = {"name": "Untitled design", "blocks": [], "connections": []}
    routing = sample("support-routing")
    first = {**routing["document"], "name": "Support desk"}
    desk = api.call("POST", "/api/designs", {"document": first})["id"]
    later, draft = changed(first), changed(first, is_draft=True)
    publish(api, desk, "First version")
    old = deploy(api, desk, "/desk/old")
    for path in ("/desk/new", "/desk/night"):
        deployment = deploy(api, desk, path)
        run(caller, deployment, routing["input_example"])
        api.call("PATCH", f"/api/designs/{desk}", {"document": later})
        if path == "/desk/new":
            publish(api, desk, "Refunds are handled by their own desk, in friendlier words")
            api.call("PATCH", f"/api/deployments/{deployment}", {"version": 2})
        run(caller, deployment, routing["input_example"])
    run(caller, old, routing["input_example"])
    # A minute of the draft's history.
    for document in (draft, later, draft):
        body = {"document": document, "reason": "by_hand"}
        api.call("POST", f"/api/designs/{desk}/checkpoints", body)
    api.call("PATCH", f"/api/designs/{desk}", {"document": draft})
    broken = {**broken_of(first), "name": "With problems"}
    made = {
        name: api.call("POST", "/api/designs", {"document": document})["id"]
        for name, document in (("blank", blank), ("problems", broken), ("fresh", first))
    }
    return {
        "designer-blank": f"/designs/{made['blank']}/",
        "designer-problems": f"/designs/{made['problems']}/",
        "designer-draft": f"/designs/{desk}/",
        "versions": f"/designs/{desk}/versions/",
        "versions-none": f"/designs/{made['fresh']}/versions/",
        "compare": f"/designs/{desk}/compare/",
        "import": "/designs/import/",
        "samples": "/designs/samples/",
        "delete": f"/designs/{made['fresh']}/delete/",
    }


def publish(api: Api, design: str, note: str) -> None:
    api.call("POST", f"/api/designs/{design}/publish", {"note": note})


def changed(document: dict[str, Any], *, is_draft: bool = False) -> dict[str, Any]:
    """Another prompt, another model, another block; as a draft also one that is gone."""
    new = copy.deepcopy(document)
    first, last = new["blocks"][0], new["blocks"][-1]
    agent = first["agents"][0]
    agent["system_prompt"] = f"Be brief and friendly. {agent.get('system_prompt', '')} Always."
    last["label"] = f"{last.get('label') or last['id']} desk"
    if is_draft:
        agent["model"] = "openai:gpt-5-mini"
        new["description"] = "Sorts a message and lets the right desk answer it."
        summary = {"template": "Answer: {{ incoming }}"}
        new["blocks"].append({"id": "summary", "type": "transform", "settings": summary})
        link = {"id": "to_summary", "source": last["id"], "target": "summary"}
        new["connections"].append(link)
    return new


def broken_of(document: dict[str, Any]) -> dict[str, Any]:
    new = copy.deepcopy(document)
    new["blocks"][0]["agents"][0]["system_prompt"] = "Read {{ blocks.nobody.output }}."
    new["blocks"][1]["agents"] = []
    new["connections"].append({"id": "lost", "source": "nobody", "target": new["blocks"][1]["id"]})
    return new


# --- What is done ---------------------------------------------------------------------------------


def menu(page: Page, entry: str) -> None:
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name=entry).click()
    page.get_by_role("dialog").wait_for()


def publishing(page: Page) -> None:
    page.get_by_role("button", name="Publish v3").click()
    page.get_by_role("dialog").wait_for()


def importing(page: Page) -> None:
    menu(page, "Import")


def deleting(page: Page) -> None:
    menu(page, "Delete")


def keys(page: Page) -> None:
    menu(page, "Keys")


def trying(page: Page) -> None:
    page.get_by_role("button", name="Try it").first.click()
    dock = page.get_by_role("form", name="Try it")
    dock.get_by_label("Model").select_option("offline:stand-in")
    dock.get_by_role("button", name="Try it").click()
    page.locator(".react-flow__node .state.completed").first.wait_for()
    page.get_by_text("Completed").first.wait_for()


def in_conflict(page: Page) -> None:
    """As if somebody else had saved another text in the meantime."""

    def stale(route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        read = page.request.get(route.request.url).json()
        document = copy.deepcopy(read["document"])
        document["blocks"][0]["task"] = "Ben’s words for the same task."
        body = {
            "type": "/problems/draft-changed", "title": "Draft changed", "status": 412,
            "detail": "Ben Kaya changed this draft.", "revision": read["revision"] + 1,
            "document": document, "changed_by": "Ben Kaya", "changed_at": read["changed_at"],
        }  # fmt: skip
        route.fulfill(status=412, content_type="application/problem+json", json=body)

    # What the last picture left unsaved.
    page.evaluate("localStorage.clear()")
    page.reload()
    page.route("**/api/designs/*", stale)
    page.get_by_role("tab", name="Outline").or_(
        page.get_by_role("button", name="Outline", exact=True)
    ).first.click()
    page.locator(".outline-block").first.click()
    page.get_by_role("textbox", name="Task").fill(f"My words for the task, at {time.time():.0f}.")
    page.get_by_role("dialog").wait_for()
    page.unroute("**/api/designs/*")


def as_json(page: Page) -> None:
    page.get_by_role("tab", name="JSON").click()
    page.locator(".cm-content").wait_for()


def reading_file(page: Page) -> None:
    """A good one, and one with what is not known here."""
    clerk = {"id": "a", "name": "Clerk", "system_prompt": "Answer.", "temper": "mild"}
    blocks = [{"id": "n 1", "type": "sequential", "agents": [clerk]}, {"id": "n 2", "type": "x"}]
    odd = {"name": "From elsewhere", "blocks": blocks, "connections": []}
    good = sample("shop-welcome")["document"]
    page.get_by_label("or its text").fill(json.dumps([good, odd]))
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_load_state()


SCENES = {
    "designer-try": Scene("designer-draft", trying),
    "designer-publish": Scene("designer-draft", publishing),
    "designer-import": Scene("designer-draft", importing),
    "designer-conflict": Scene("designer-draft", in_conflict),
    "designer-delete": Scene("designer-draft", deleting),
    "designer-keys": Scene("designer-draft", keys),
    "designer-json": Scene("designer-draft", as_json),
    "designer-read-only": Scene("designer-draft", who="viewer"),
    "designer-plain": Scene("designer-draft", who="plain"),
    "designer-plain-problems": Scene("designer-problems", who="plain"),
    "versions-read-only": Scene("versions", who="viewer"),
    "compare-versions": Scene("compare", query="?from=1&to=2"),
    "compare-side": Scene("compare", query="?from=1&to=draft&show=side"),
    "compare-same": Scene("compare", query="?from=draft&to=draft"),
    "import-read": Scene("import", reading_file),
    "samples-of-a-kind": Scene("samples", query="?kind=debate"),
}
