"""What others wrote stays text, who may not change only looks, and opening changes nothing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.designing import block, call, clerks, open_design, saved

MARKUP = "<img src=x onerror=\"document.title='taken'\"><b>bold</b>"


def test_hostile_labels_stay_text(signed_in: Page):
    page = signed_in
    document = clerks("First", "Second", First="Second")
    first, second = document["blocks"]
    first["label"] = first["agents"][0]["name"] = MARKUP
    second["agents"] = [
        {"id": f"a{number}", "name": "x" * 500, "system_prompt": ""} for number in range(9)
    ]
    document["connections"][0] |= {"when": f"input.text == `{MARKUP}`"}
    open_design(page, document)

    expect(block(page, MARKUP)).to_be_visible()
    expect(page.locator(".canvas img, .canvas b b")).to_have_count(0)
    expect(page.locator(".wires .pill")).to_contain_text("<img")
    expect(block(page, "Second")).to_contain_text("+ 3 more")
    assert page.title() != "taken"


def test_opening_changes_nothing_and_the_first_change_saves_places(signed_in: Page):
    page = signed_in
    document = clerks("First", "Second", "Third", First="Second")
    for one in document["blocks"]:
        del one["position"]
    design = open_design(page, document)
    first, second = (block(page, label).bounding_box() for label in ("First", "Second"))
    assert first
    assert second
    assert first["x"] + first["width"] < second["x"]
    opened = call(page, "GET", f"/api/designs/{design}")
    assert all("position" not in one for one in opened["document"]["blocks"])

    page.get_by_label("Name of the design").fill("Placed")
    expect(page.get_by_role("button", name="Undo: Rename the design")).to_be_visible()
    places = [one.get("position") for one in saved(page, design)["blocks"]]
    assert all(places)
    assert places[0] != places[1]


@pytest.mark.parametrize("change", ["mouse", "keyboard"])
def test_who_may_only_look_changes_nothing(signed_in: Page, change: str):
    page = signed_in
    design = open_design(page, clerks("First", "Second", First="Second"))
    before = call(page, "GET", f"/api/designs/{design}")
    page.route(f"**/designs/{design}/", without_right_to_change)
    page.reload()
    expect(page.get_by_text("Read only")).to_be_visible()

    if change == "mouse":
        name = block(page, "First").locator(".block-name")
        box = name.bounding_box()
        assert box
        page.mouse.move(box["x"], box["y"])
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 90, steps=5)
        page.mouse.up()
        expect(block(page, "First").locator(".port:visible")).to_have_count(0)
    else:
        block(page, "First").click()
        for key in ("Delete", "/", "c", "t", "Control+d", "Control+x", "Shift+ArrowDown"):
            page.keyboard.press(key)
        expect(page.get_by_role("combobox", name="Add a block")).to_be_hidden()
    expect(block(page, "First")).to_be_visible()
    expect(page.get_by_role("button", name="Tidy")).to_be_hidden()
    assert call(page, "GET", f"/api/designs/{design}")["revision"] == before["revision"]


def without_right_to_change(route: Route) -> None:
    """The page as somebody gets it who may only look."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace('"change": true', '"change": false'))
