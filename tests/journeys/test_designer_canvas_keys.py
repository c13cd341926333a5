"""A design is drawn, connected and changed by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import block, clerks, open_design, saved, wait_for_draft


def enter_canvas(page: Page) -> None:
    """As with Tab, which stops once at the canvas."""
    page.locator(".react-flow [tabindex='0'], .react-flow[tabindex='0']").first.focus()


def test_three_blocks_are_drawn_by_keyboard(signed_in: Page):
    page = signed_in
    design = open_design(page, {"blocks": [], "connections": []})
    enter_canvas(page)
    for word in ("seq", "deb", "trans"):
        page.keyboard.press("/")
        expect(page.get_by_role("combobox", name="Add a block")).to_be_focused()
        page.keyboard.type(word)
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox", name="Add a block")).to_be_hidden()
        expect(page.locator(".react-flow__node:focus")).to_have_count(1)
    document = wait_for_draft(page, design, blocks=3, connections=2)

    assert [one["type"] for one in document["blocks"]] == ["sequential", "debate", "transform"]
    name = "Sequential, sequential, 2 agents, goes to Debate"
    expect(page.get_by_role("group", name=name, exact=True)).to_be_visible()


def test_arrows_walk_and_a_list_connects(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", "Third", First="Second"))
    enter_canvas(page)
    page.keyboard.press("Home")
    expect(block(page, "First")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(block(page, "Second")).to_be_focused()
    page.keyboard.press("c")
    page.keyboard.type("third")
    page.keyboard.press("Enter")
    document = wait_for_draft(page, design, connections=2)
    assert document["connections"][1]["source"] == "second"
    assert document["connections"][1]["target"] == "third"

    # The wire is reached, and removed, from its block.
    page.keyboard.press("ArrowRight")
    expect(block(page, "Third")).to_be_focused()
    page.keyboard.press("w")
    expect(page.locator(".wire.selected")).to_have_count(1)
    page.keyboard.press("Delete")
    wait_for_draft(page, design, connections=1)
    page.keyboard.press("Control+z")
    wait_for_draft(page, design, connections=2)


def test_copy_paste_duplicate_remove_and_back(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second", First="Second"))
    enter_canvas(page)
    page.keyboard.press("Control+a")
    expect(page.locator(".react-flow__node.selected")).to_have_count(2)
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    document = wait_for_draft(page, design, blocks=4, connections=2)
    copies = document["blocks"][2:]
    assert [one["id"] for one in copies] == ["first_2", "second_2"]
    assert document["connections"][1]["source"] == "first_2"

    page.keyboard.press("Control+d")
    wait_for_draft(page, design, blocks=6, connections=3)
    page.keyboard.press("Delete")
    wait_for_draft(page, design, blocks=4, connections=2)
    for _ in range(3):
        page.keyboard.press("Control+z")
    wait_for_draft(page, design, blocks=2, connections=1)
    page.keyboard.press("Control+y")
    wait_for_draft(page, design, blocks=4, connections=2)


def test_moves_of_one_block_in_a_row_are_one_step(signed_in: Page):
    page = signed_in
    design = open_design(page, clerks("First", "Second"))
    enter_canvas(page)
    page.keyboard.press("Home")
    for key in ("Shift+ArrowDown", "Shift+ArrowDown", "Control+Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Undo: Move a block")).to_be_visible()
    assert saved(page, design)["blocks"][0]["position"] == {"x": 64, "y": 32}


def test_letters_in_a_field_stay_letters_and_keys_are_shown(signed_in: Page):
    page = signed_in
    open_design(page, clerks("First"))
    name = page.get_by_label("Name of the design")
    name.fill("")
    name.press_sequentially("cwtf/?")
    expect(name).to_have_value("cwtf/?")
    expect(page.get_by_role("combobox", name="Add a block")).to_be_hidden()

    enter_canvas(page)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Along connections")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
