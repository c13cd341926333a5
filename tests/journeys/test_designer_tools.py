"""The tools of an agent in the inspector: chosen, made stricter, limited, and removed."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import Document, block, call, open_design, saved

DRAFT: Document = {
    "schema": 1,
    "name": "Support",
    "blocks": [
        {"id": "one", "type": "sequential", "label": "One", "task": "Help.",
         "agents": [{"id": "ana", "name": "Ana"}]},
    ],
    "connections": [],
}  # fmt: skip
OPENAPI: Document = {
    "openapi": "3.1.0",
    "info": {"title": "CRM", "version": "1"},
    "paths": {
        "/customers": {
            "get": {"operationId": "search", "summary": "Finds customers.",
                    "responses": {"200": {"description": "Found."}}},
            "post": {"operationId": "create", "summary": "Adds a customer.",
                     "responses": {"201": {"description": "Added."}}},
        }
    },
}  # fmt: skip


def offer_tools(page: Page) -> None:
    connection = {"name": "crm", "kind": "http", "url": "https://crm.example"}
    made = call(page, "POST", "/api/tool-connections", connection)
    path = f"/api/tool-connections/{made['id']}"
    call(page, "POST", f"{path}/import", {"document": OPENAPI})
    for name, effect in (("search", "read"), ("create", "once")):
        call(page, "PATCH", f"{path}/tools/{name}", {"is_offered": True, "effect": effect})


def test_tools_are_chosen_and_made_stricter(signed_in: Page) -> None:
    page = signed_in
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    offer_tools(page)
    design = open_design(page, DRAFT)
    block(page, "One").click()
    # Limits of tools are shown once there are some.
    limits = page.get_by_label("Turns with tools, at most")
    expect(limits).to_be_hidden()
    page.get_by_label("A tool that it may call").fill("crm.search")
    page.keyboard.press("Enter")
    search = page.locator('[data-tool="crm.search"]')
    expect(search.get_by_text("only reads")).to_be_visible()
    page.get_by_label("Another tool").fill("crm.create")
    page.keyboard.press("Enter")
    create = page.locator('[data-tool="crm.create"]')
    expect(create.get_by_text("never twice")).to_be_visible()
    create.get_by_role("combobox").select_option("always")
    expect(create.get_by_text("asks before each call")).to_be_visible()
    create.get_by_label("Calls of crm.create for one answer, at most").fill("2")
    create.get_by_label("Calls of crm.create for one answer, at most").blur()
    limits.fill("3")
    limits.blur()
    agent = saved(page, design)["blocks"][0]["agents"][0]
    assert agent["tools"] == [
        "crm.search", {"name": "crm.create", "approval": "always", "most_calls": 2},
    ]  # fmt: skip
    assert agent["tool_limits"] == {"turns": 3}
    page.get_by_role("button", name="Remove crm.search").click()
    expect(search).to_have_count(0)
    page.get_by_role("button", name="Remove crm.create").click()
    expect(limits).to_be_hidden()
    assert "tools" not in saved(page, design)["blocks"][0]["agents"][0]
    assert not errors


def test_what_is_not_offered_and_what_names_no_tool_says_so(signed_in: Page) -> None:
    page = signed_in
    document = {**DRAFT, "blocks": [{**DRAFT["blocks"][0]}]}
    document["blocks"][0]["agents"] = [{"id": "ana", "name": "Ana", "tools": ["mail.send"]}]
    design = open_design(page, document)
    block(page, "One").click()
    expect(page.locator('[data-tool="mail.send"]')).to_be_visible()
    with page.expect_response("**/validate"):
        page.get_by_label("Another tool").fill("no tool")
        page.keyboard.press("Enter")
    expect(page.locator(".inspector").get_by_text("Name a tool by its connection")).to_be_visible()
    page.get_by_role("button", name="Remove no tool").click()
    assert saved(page, design)["blocks"][0]["agents"][0]["tools"] == ["mail.send"]
