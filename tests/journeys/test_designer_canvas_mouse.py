"""Blocks and connections are drawn, moved and taken back with a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import block, clerks, drag, open_design, saved, wait_for_draft


def test_three_blocks_are_drawn_and_connected(signed_in: Page):
    page = signed_in
    design = open_design(page, {"blocks": [], "connections": []})
    page.get_by_role("button", name="Add a block").click()
    page.get_by_role("option", name="Sequential").click()
    expect(block(page, "Sequential")).to_be_visible()

    # A wire that is dropped on an empty spot asks for the block that it leads to.
    for _ in range(2):
        last = page.locator(".react-flow__node").last
        last.click()
        box = last.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"], box["y"] + 28)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] + 60, box["y"] + 60, steps=8)
        page.wait_for_timeout(100)
        page.mouse.up()
        page.get_by_role("option", name="Transform").click()
    document = wait_for_draft(page, design, blocks=3, connections=2)

    ids = [one["id"] for one in document["blocks"]]
    ends = [(one["source"], one["target"]) for one in document["connections"]]
    assert ends == [(ids[0], ids[1]), (ids[1], ids[2])]
    assert all(
        one["position"]["x"] % 16 == one["position"]["y"] % 16 == 0 for one in document["blocks"]
    )


def test_an_agent_is_connected_with_an_agent(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second"))
    block(page, "First").hover()
    drag(
        page,
        block(page, "First").locator(".block-row .port.out"),
        block(page, "Second").locator(".block-row"),
    )
    document = wait_for_draft(page, design, connections=1)

    (connection,) = document["connections"]
    assert connection["source_agent"] == connection["target_agent"] == "clerk"
    expect(page.locator(".wire.agent")).to_have_count(1)


def test_a_circle_is_refused_with_a_sentence(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", First="Second"))
    drag(page, block(page, "Second").locator(".block-head .port.out"), block(page, "First"))

    expect(page.get_by_text("The blocks would go in a circle.")).to_be_visible()
    assert len(saved(page, design)["connections"]) == 1


def test_a_drag_is_one_step_of_undo(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second"))
    first = block(page, "First").locator(".block-name")
    before = box = first.bounding_box()
    assert box
    assert before
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 110, steps=10)
    page.mouse.up()
    undo = page.get_by_role("button", name="Undo: Move a block")
    expect(undo).to_be_visible()
    page.wait_for_timeout(100)
    moved = first.bounding_box()
    assert moved
    assert abs(moved["y"] - before["y"] - 96) < 17

    undo.click()
    expect(page.get_by_role("button", name="Redo: Move a block")).to_be_visible()
    page.wait_for_timeout(100)
    assert first.bounding_box() == before
    positions = [one["position"] for one in saved(page, design)["blocks"]]
    assert positions == [{"x": 0, "y": 0}, {"x": 320, "y": 0}]


def test_tidy_is_one_step_and_places_in_columns(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", "Third", Third="Second", Second="First"))
    page.get_by_role("button", name="Tidy").click()
    expect(page.get_by_role("button", name="Undo: Tidy")).to_be_visible()
    document = saved(page, design)

    columns = {one["label"]: one["position"]["x"] for one in document["blocks"]}
    assert columns["Third"] < columns["Second"] < columns["First"]


def test_selected_blocks_move_together_in_one_step(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", "Third"))
    block(page, "First").click()
    block(page, "Second").click(modifiers=["Shift"])
    expect(page.locator(".react-flow__node.selected")).to_have_count(2)
    box = block(page, "First").locator(".block-name").bounding_box()
    assert box
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + 90, steps=8)
    page.mouse.up()
    expect(page.get_by_role("button", name="Undo: Move 2 blocks")).to_be_visible()
    tops = [one["position"]["y"] for one in saved(page, design)["blocks"]]
    assert tops[0] == tops[1] > 0
    assert tops[2] == 0


def test_a_wire_is_led_elsewhere_and_takes_a_block_in(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", "Third", First="Second"))
    page.locator(".wire .hit").first.click(force=True)
    expect(page.locator(".wire.selected")).to_have_count(1)
    drag(page, page.locator(".grip").last, block(page, "Third"))
    expect(page.get_by_role("button", name="Undo: Move a connection")).to_be_visible()
    (connection,) = saved(page, design)["connections"]
    assert (connection["source"], connection["target"]) == ("first", "third")

    page.get_by_role("button", name="Put a block into this connection").click()
    page.get_by_role("option", name="Transform").click()
    document = wait_for_draft(page, design, blocks=4, connections=2)
    ends = {(one["source"], one["target"]) for one in document["connections"]}
    assert ends == {("first", "transform"), ("transform", "third")}
