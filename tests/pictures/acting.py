"""Agents that act: tools of connections, requests to people, designs inside others."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from executor.tool_connections import sample_server
from tests.pictures.designer import Scene
from tests.pictures.rows import Api, deploy_document, run, sample
from tests.tool_servers import asgi_server

READS = ("find_orders", "get_order", "convert_currency")
# Comes when the list is read again.
LATER = "Everything that is known about one order, its parcel and its invoice."
CRM: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "CRM", "version": "1"},
    "paths": {
        "/customers": {
            "get": {"operationId": "search", "summary": "Finds customers by name.",
                    "responses": {"200": {"description": "Found."}}},
            "post": {"operationId": "create", "summary": "Adds a customer.",
                     "responses": {"201": {"description": "Added."}}},
        }
    },
}  # fmt: skip


@dataclass(frozen=True)
class Tools:
    """A server of tools; `url` is its address."""

    server: Any
    url: str


@contextmanager
def tools() -> Iterator[Tools]:
    server = sample_server.make_server()
    app = server.streamable_http_app(
        streamable_http_path=sample_server.PATH, stateless_http=True, json_response=True
    )
    with asgi_server(app) as address:
        yield Tools(server, f"{address}{sample_server.PATH}")


def reconnect(api: Api, offered: Tools) -> None:
    """Kept data name the address of another time."""
    listed = api.call("GET", "/api/tool-connections")
    [shop] = [one for one in listed.get("results", listed) if one["name"] == "shop"]
    api.call("PATCH", f"/api/tool-connections/{shop['id']}", {"url": offered.url})


def fill_acting(api: Api, caller: Api, offered: Tools) -> dict[str, str]:
    """Name → path of the pages of tools, requests, and runs that call, ask and nest."""
    shop = _connect(api, offered)
    return {
        "tools": "/tools/",
        "tools-one": f"/tools/{shop}/",
        **_calls(api, caller),
        **_asks(api, caller),
        **_nests(api, caller),
        **_changes(api, offered, shop),
    }


def _connect(api: Api, offered: Tools) -> int:
    """The number of the connection `shop`; there is another one, `crm`."""
    crm = {"name": "crm", "kind": "http", "url": "https://crm.example"}
    made = api.call("POST", "/api/tool-connections", crm)["id"]
    api.call("POST", f"/api/tool-connections/{made}/import", {"document": CRM})
    path = f"/api/tool-connections/{made}/tools/search"
    api.call("PATCH", path, {"is_offered": True, "effect": "read"})
    body = {"name": "shop", "url": offered.url, "is_guarded": False}
    shop: int = api.call("POST", "/api/tool-connections", body)["id"]
    api.call("POST", f"/api/tool-connections/{shop}/test")
    api.call("POST", f"/api/tool-connections/{shop}/read-tools")
    for name in (*READS, "send_note"):
        effect = "read" if name in READS else "once"
        path = f"/api/tool-connections/{shop}/tools/{name}"
        api.call("PATCH", path, {"is_offered": True, "effect": effect})
    return shop


def _changes(api: Api, offered: Tools, shop: int) -> dict[str, str]:
    """The server says something else than before, and one tool is gone."""
    offered.server.remove_tool("get_order")
    offered.server.remove_tool("list_notes")
    offered.server.add_tool(
        sample_server.get_order,
        title="Look an order up",
        description=LATER,
        annotations=sample_server.READS,
    )
    api.call("POST", f"/api/tool-connections/{shop}/read-tools")
    page = api.context.request.get(f"{api.address}/tools/{shop}/").text()
    paths = {
        name: path for path, name in re.findall(r'href="(/tools/tool/\d+/)"[^>]*>([^<]+)', page)
    }
    return {
        "tool": paths["find_orders"],
        "tool-changed": paths["get_order"],
        "tool-gone": paths["list_notes"],
    }


def _calls(api: Api, caller: Api) -> dict[str, str]:
    """A run whose agent called tools, and one whose call waits for a person."""
    desk = sample("order-desk")
    path = deploy_document(api, desk["document"], "/shop/desk")
    # The stand-in invents arguments of what the message says.
    ended = run(caller, path, {"message": "ACME"})
    asking = copy.deepcopy(desk["document"])
    asking["name"] = "Order desk with approval"
    asking["blocks"][0]["agents"][0]["tools"] = [
        "shop.find_orders", {"name": "shop.get_order", "approval": "always"},
    ]  # fmt: skip
    asked = deploy_document(api, asking, "/shop/desk-with-approval")
    message = {"message": "Find my orders, and look the order up."}
    waiting = run(caller, asked, message, until=("waiting",))
    return {
        "execution-tools": f"/executions/{ended}/",
        "execution-asks-for-tool": f"/executions/{waiting}/",
    }


def _asks(api: Api, caller: Api) -> dict[str, str]:
    """Requests that are open, approved and rejected; the runs that wait for them."""
    payment = sample("approved-payment")
    document = payment["document"]
    document["blocks"][1]["settings"]["allow_self"] = True
    deployment = deploy_document(api, document, "/finance/payment")
    bills = (("ACME", 1200), ("Birch & Sons", 390), ("Cobalt Labs", 540), ("Delta Print", 88))
    runs = [
        run(caller, deployment, {**payment["input_example"], "payee": payee, "amount": amount},
            until=("waiting",))
        for payee, amount in bills
    ]  # fmt: skip
    listed = api.call("GET", "/api/requests")
    questions = {one["question"]: one["id"] for one in listed.get("results", listed)}
    open_, approved, rejected = (
        next(number for question, number in questions.items() if payee in question)
        for payee, _ in (bills[0], bills[1], bills[3])
    )
    yes = {"verdict": "approve", "reason": "It is in the budget.", "answers": {"cost_centre": "17"}}
    api.call("POST", f"/api/requests/{approved}/votes", yes)
    no = {"verdict": "reject", "reason": "Nobody ordered this."}
    api.call("POST", f"/api/requests/{rejected}/votes", no)
    return {
        "requests": "/requests/",
        "requests-mine": "/requests/?mine=1",
        "requests-closed": "/requests/closed/",
        "requests-none": "/requests/?q=nothing+like+this",
        "request": f"/requests/{open_}/",
        "request-approved": f"/requests/{approved}/",
        "request-rejected": f"/requests/{rejected}/",
        "execution-waits": f"/executions/{runs[0]}/",
        "execution-waits-an-hour": f"/executions/{runs[1]}/",
        "deployment-payment": f"/deployments/{deployment}/",
    }


def _nests(api: Api, caller: Api) -> dict[str, str]:
    """A map that loses one item, a map that is under way, and a design of every new block."""
    digest = sample("ticket-digest")
    document = copy.deepcopy(digest["document"])
    deployment = deploy_document(api, document, "/support/digest")
    ended = run(caller, deployment, digest["input_example"])
    lossy = _mapping(
        "Absolute amounts", {"type": "transform", "settings": {"expression": "abs(input.item)"}}
    )
    lossy["blocks"][0]["settings"]["on_item_error"] = "keep"
    amounts = {"list": [12, "twelve", -7]}
    lost = run(caller, deploy_document(api, lossy, "/ops/amounts"), amounts)
    day = {"type": "wait", "settings": {"seconds": 86_400}}
    waiting = deploy_document(api, _mapping("Reminders", day), "/ops/reminders")
    under_way = run(caller, waiting, {"list": list(range(40))}, until=("waiting",))
    made = api.call("POST", "/api/designs", {"document": _every_block()})["id"]
    return {
        "execution-map": f"/executions/{ended}/",
        "execution-map-lost": f"/executions/{lost}/",
        "execution-map-under-way": f"/executions/{under_way}/",
        "designer-acting": f"/designs/{made}/",
        "deployment-digest": f"/deployments/{deployment}/",
        "deployment-digest-schedules": f"/deployments/{deployment}/schedules/",
        "deployment-digest-limits": f"/deployments/{deployment}/limits/",
        "schedule-new": f"/deployments/{deployment}/schedules/new/",
        "expressions": "/designs/expressions/",
    }


def _mapping(name: str, block: dict[str, Any]) -> dict[str, Any]:
    """A design that plays the block for each item of the input's `list`."""
    settings = {"items": "input.list", "max_concurrency": 4, "block": block}
    each = {"id": "each", "type": "map", "label": "Every one", "settings": settings}
    return {"schema": 1, "name": name, "blocks": [each], "connections": []}


def _every_block() -> dict[str, Any]:
    """An agent with tools, and a block of every kind that acts or nests."""
    document = copy.deepcopy(sample("approved-payment")["document"])
    document["name"] = "Refund desk"
    first = document["blocks"][0]
    first["agents"] = sample("order-desk")["document"]["blocks"][0]["agents"]
    each = sample("ticket-digest")["document"]["blocks"][0]
    each |= {"id": "each", "label": "Every item", "position": {"x": 340, "y": 420}}
    each["settings"]["items"] = "input.items || `[]`"
    more = [
        {"id": "orders", "type": "http", "label": "Open orders", "position": {"x": 40, "y": 420},
         "settings": {"connection": "crm", "path": "/customers",
                      "query": {"name": "{{ input.payee }}"}}},
        {"id": "minutes", "type": "subdesign", "label": "Write the minutes",
         "position": {"x": 640, "y": 500},
         "settings": {"path": "/notes/minutes", "input": "{transcript: input.invoice}"}},
    ]  # fmt: skip
    document["blocks"] += [each, *more]
    document["connections"] += [
        {"id": "to_each", "source": "orders", "target": "each"},
        {"id": "to_minutes", "source": "each", "target": "minutes"},
    ]
    return document


# --- What is done ---------------------------------------------------------------------------------


def selecting(label: str) -> Any:
    """Selects a block of the designer, so that the inspector shows it."""

    def act(page: Page) -> None:
        page.get_by_role("tab", name="Outline").or_(
            page.get_by_role("button", name="Outline", exact=True)
        ).first.click()
        page.locator(".outline-block", has_text=label).first.click()

    return act


def choosing_tools(page: Page) -> None:
    selecting("Check")(page)
    page.locator('[data-tool="shop.find_orders"]').scroll_into_view_if_needed()
    page.locator(".inspector-body").evaluate("(body) => body.scrollBy(0, 400)")


def calling(page: Page) -> None:
    """Tries a tool."""
    page.get_by_label("Arguments").fill('{"customer": "acme"}')
    page.get_by_role("button", name="Call it").click()
    page.wait_for_load_state()
    page.evaluate("scrollTo(0, 0)")


SCENES = {
    "tool-tried": Scene("tool", calling),
    "requests-plain": Scene("requests", who="plain"),
    "designer-agent-tools": Scene("designer-acting", choosing_tools),
    "designer-approval": Scene("designer-acting", selecting("Release the payment?")),
    "designer-wait": Scene("designer-acting", selecting("An hour to object")),
    "designer-map": Scene("designer-acting", selecting("Every item")),
    "designer-http": Scene("designer-acting", selecting("Open orders")),
    "designer-subdesign": Scene("designer-acting", selecting("Write the minutes")),
}
