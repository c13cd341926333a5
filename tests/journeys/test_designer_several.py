"""The inspector for several blocks, for agents in another order, and for placeholders as tags."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import Document, agent, block, open_design, saved

DRAFT: Document = {
    "schema": 1,
    "input_schema": {"type": "object", "properties": {"topic": {"type": "string"}}},
    "blocks": [
        {
            "id": "one",
            "type": "parallel",
            "label": "One",
            "task": "About {{ input.topic }} and {{ blocks.no.output }}.",
            "agents": [agent("Ann"), agent("Ben"), {**agent("Cem"), "system_prompt": "{{ no }}"}],
            "retries": 1,
            "position": {"x": 0, "y": 0},
        },
        {
            "id": "two",
            "type": "sequential",
            "label": "Two",
            "task": "Answer.",
            "agents": [{**agent("Dan"), "model": "local:smollm2"}],
            "position": {"x": 320, "y": 0},
        },
    ],
    "connections": [],
}


def test_what_several_blocks_share_is_changed_in_all_of_them_as_one_step(signed_in: Page) -> None:
    page = signed_in
    design = open_design(page, DRAFT)
    block(page, "One").click()
    block(page, "Two").click(modifiers=["Shift"])
    inspector = page.get_by_role("complementary", name="Inspector")
    tries = inspector.get_by_label("More tries")
    expect(tries).to_have_attribute("placeholder", "different values")
    model = inspector.locator("[data-kind=model]")
    expect(model.locator(":checked")).to_have_text("different values")
    tries.fill("3")
    model.select_option("offline:stand-in")

    def found() -> list[tuple[int | None, list[str | None]]]:
        rows = saved(page, design)["blocks"]
        return [(row.get("retries"), [one.get("model") for one in row["agents"]]) for row in rows]

    stand_in = "offline:stand-in"
    assert found() == [(3, [stand_in] * 3), (3, [stand_in])]
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    assert found() == [(3, [None] * 3), (3, ["local:smollm2"])]
    undo.click()
    assert found() == [(1, [None] * 3), (None, ["local:smollm2"])]


def test_agents_are_dragged_and_a_closed_one_opens_for_its_problem(signed_in: Page) -> None:
    page = signed_in
    design = open_design(page, DRAFT)
    block(page, "One").click()
    tags = page.locator('.tagged:has([data-pointer="/task"]) mark')
    expect(tags).to_have_text(["{{ input.topic }}", "{{ blocks.no.output }}"])
    expect(tags.last).to_have_class("wrong")
    cards = page.locator(".agent-card")
    for name in ("Ann", "Ben", "Cem"):
        page.get_by_role("region", name=f"Agent {name}").locator(".agent-toggle").click()
    page.locator(".agent-grip").first.drag_to(cards.last, target_position={"x": 90, "y": 28})
    expect(cards.last).to_contain_text("Ann")
    page.get_by_role("button", name="Move Ann up").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("button", name="Move Ann up")).to_be_focused()
    ids = [row["id"] for row in saved(page, design)["blocks"][0]["agents"]]
    assert ids == ["ben", "ann", "cem"]
    cem = page.get_by_role("region", name="Agent Cem")
    prompt = cem.locator('[data-pointer="/system_prompt"]')
    expect(prompt).to_have_count(0)
    page.keyboard.press("F8")
    expect(prompt).to_be_focused()
