"""The designer completes functions, and the fields of an agent's answer that is data."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.journeys.designing import Document, block, open_design, saved

FORM = {"type": "object", "properties": {"total": {"type": "number"}, "title": {"type": "string"}}}
DRAFT: Document = {
    "schema": 1,
    "name": "Invoices",
    "blocks": [
        {"id": "read", "type": "sequential", "label": "Read", "task": "Read.",
         "agents": [{"id": "reader", "name": "Reader", "system_prompt": "You read."}]},
        {"id": "shape", "type": "transform", "label": "Shape", "settings": {"expression": "input"}},
    ],
    "connections": [{"id": "c", "source": "read", "target": "shape"}],
}  # fmt: skip


def test_a_function_and_a_field_of_the_answer_are_completed(signed_in: Page) -> None:
    page = signed_in
    design = open_design(page, DRAFT)
    block(page, "Read").click()
    page.locator(".inspector details").evaluate_all(
        "all => all.forEach((one) => { one.open = true })"
    )
    form = page.locator('.inspector [data-pointer="/output_schema"]').first
    form.fill(json.dumps(FORM))
    form.blur()
    block(page, "Shape").click()
    expression = page.locator('.inspector [data-pointer="/settings/expression"]').first
    expression.fill("")
    expression.press_sequentially("roun")
    rows = page.get_by_role("listbox").get_by_role("option")
    expect(rows.first).to_contain_text("round(number, digits?)")
    link = page.get_by_role("link", name="All functions, with examples")
    assert link.get_attribute("href") == "/designs/expressions/"
    page.keyboard.press("Enter")
    page.keyboard.type("incoming.t")
    expect(rows.first).to_contain_text("incoming.total")
    page.keyboard.press("Enter")
    page.keyboard.type(" * 2")
    stored = saved(page, design)
    assert stored["blocks"][0]["agents"][0]["output_schema"] == FORM
    assert stored["blocks"][1]["settings"]["expression"] == "round(incoming.total * 2)"
