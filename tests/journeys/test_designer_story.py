"""From nothing to an endpoint in the designer, by somebody who has never seen JSON."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import block, call, wait_for_draft


def test_three_blocks_are_drawn_tried_published_and_deployed(signed_in: Page) -> None:
    page = signed_in
    page.goto("/designs/new/")
    page.get_by_role("button", name="Blank design").click()
    expect(page.get_by_role("toolbar", name="Canvas tools")).to_be_visible()
    design = page.url.rstrip("/").rsplit("/", 1)[1]
    inspector = page.get_by_role("complementary", name="Inspector")

    page.get_by_role("tab", name="Input").click()
    page.get_by_label("Name of message").fill("topic")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("required").nth(1).uncheck()

    page.get_by_role("tab", name="Blocks").click()
    page.get_by_role("button", name="Sequential").click()
    inspector.get_by_label("Label").fill("Draft")
    task = inspector.get_by_label("Task")
    task.press_sequentially("Write about {{ inp")
    page.get_by_role("option", name="input.topic").click()
    expect(task).to_have_value("Write about {{ input.topic }}")
    page.get_by_role("button", name="Reflection").click()
    inspector.get_by_label("Label").fill("Polish")
    page.get_by_role("button", name="Transform").click()
    inspector.get_by_label("Label").fill("Letter")
    inspector.get_by_text("a template").click()
    inspector.get_by_role("textbox", name="Template").fill("Dear reader, {{ incoming }}")
    document = wait_for_draft(page, design, blocks=3, connections=2)
    assert [row["label"] for row in document["blocks"]] == ["Draft", "Polish", "Letter"]
    assert document["input_schema"]["required"] == ["topic"]

    page.get_by_role("button", name="Try it").first.click()
    dock = page.get_by_role("form", name="Try it")
    dock.get_by_label("topic").fill("Bread and butter")
    dock.get_by_label("Model").select_option("offline:stand-in")
    dock.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("region", name="Output of Letter")).to_contain_text("Dear reader")
    expect(block(page, "Letter").locator(".state.completed")).to_be_attached()

    page.get_by_role("button", name="Publish v1").click()
    dialog = page.get_by_role("dialog", name="Publish")
    dialog.get_by_label("Note").fill("First")
    dialog.get_by_role("button", name="Publish v1").click()
    dialog.get_by_role("link", name="Deploy").click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("v1")
    rows = call(page, "GET", f"/api/deployments?design_id={design}")["results"]
    assert [row["version"] for row in rows] == [1]


def test_what_was_typed_wrong_is_said_at_its_field(signed_in: Page) -> None:
    page = signed_in
    facts = {"id": "facts", "type": "transform", "settings": {"expression": "input"}}
    letter = {"id": "letter", "type": "transform", "settings": {"template": "Dear"}}
    link = {"id": "link", "source": "facts", "target": "letter"}
    draft = {"schema": 1, "blocks": [facts, letter], "connections": [link]}
    found = call(page, "POST", "/api/designs", {"name": "Wrong", "document": draft})
    page.goto(f"/designs/{found['id']}/")
    page.get_by_role("tab", name="Outline").click()
    page.locator(".outline-block", has_text="letter").click()
    template = page.get_by_role("textbox", name="Template")
    template.fill("About {{ blocks.fact.output }}")
    expect(template).to_have_attribute("aria-invalid", "true")
    error = page.locator("[data-field='/settings/template'] .error").first
    expect(error).to_contain_text("There is no block fact.")
    page.get_by_role("button", name="Publish v1").click(force=True)
    page.get_by_role("tabpanel", name="Problems").get_by_role("button").nth(1).click()
    expect(template).not_to_have_attribute("aria-invalid", "true")
    expect(template).to_have_value("About {{ blocks.facts.output }}")
