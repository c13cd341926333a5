"""The inspector: what is typed stays as it is typed, and each field has one list of its own."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.journeys.designing import Document, block, open_design, saved

DRAFT: Document = {
    "schema": 1,
    "name": "Fields",
    "blocks": [
        {
            "id": "one",
            "type": "sequential",
            "label": "One",
            "task": "Read {{ length('abc') }}",
            "agents": [
                {"id": "a", "name": "A", "system_prompt": "You are {{ length('abcd') }}."},
                {"id": "b", "name": "B", "role": "nobody", "system_prompt": "You are B."},
            ],
        },
        {"id": "two", "type": "transform", "label": "Two", "settings": {"expression": "input"}},
    ],
    "connections": [],
}


def field(page: Page, pointer: str) -> Locator:
    return page.locator(f'.inspector [data-pointer="{pointer}"]').first


def test_the_list_and_the_value_stand_under_the_field_of_a_block_and_of_an_agent(
    signed_in: Page,
) -> None:
    page = signed_in
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    design = open_design(page, DRAFT)
    block(page, "One").click()
    for pointer, worth in (("/task", "Read 3"), ("/system_prompt", "You are 4.")):
        field(page, pointer).click()
        expect(page.locator(".worth", has_text=worth)).to_have_count(1)
        field(page, pointer).press("Control+End")
        page.keyboard.type(" {{ exec")
        expect(page.get_by_role("listbox")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.type(" {{ exec")
    expect(page.get_by_role("listbox")).to_have_count(1)
    block(page, "Two").click()
    expect(page.locator(".inspector h2")).to_have_text("Two")
    expect(page.get_by_role("listbox")).to_have_count(0)
    first = saved(page, design)["blocks"][0]
    assert first["task"] == "Read {{ length('abc') }} {{ execution.id }}"
    assert first["agents"][0]["system_prompt"].startswith("You are {{ length('abcd') }}. {{ exec")
    assert not errors


def test_what_is_typed_stays_while_the_draft_is_checked(signed_in: Page) -> None:
    page = signed_in
    design = open_design(page, DRAFT)
    block(page, "One").click()
    expect(page.get_by_text("This must be one of manager")).to_be_visible()
    page.locator(".inspector details").evaluate_all(
        "all => all.forEach((one) => { one.open = true })"
    )
    # The standard, which is no key of the draft.
    field(page, "/retries").fill("2")
    page.locator('.inspector [data-kind="model"]').first.select_option("offline:stand-in")
    further = page.locator('.inspector [data-kind="models"]').first
    with page.expect_response("**/validate"):
        further.get_by_label("A model to ask then").fill("x:y")
        page.keyboard.press("Enter")
    expect(page.locator(".agent-toggle", has_text="B").locator(".badge")).to_be_visible()
    expect(page.get_by_text("This must be one of manager")).to_be_visible()
    expect(field(page, "/retries")).to_have_value("2")
    further.get_by_label("Another model").fill("z:w")
    further.get_by_label("Another model").blur()
    further.get_by_role("button", name="Ask z:w earlier").click()
    expect(further.get_by_role("button", name="Ask z:w earlier")).to_be_focused()
    further.get_by_role("button", name="Remove x:y").click()
    agent = saved(page, design)["blocks"][0]["agents"][0]
    assert agent["model"] == ["offline:stand-in", "z:w"]


def test_choices_and_numbers_of_the_input_are_typed_key_by_key(signed_in: Page) -> None:
    page = signed_in
    fields = {"size": {"enum": [1, 2]}, "share": {"type": "number"}}
    schema = {"type": "object", "properties": fields}
    design = open_design(page, {**DRAFT, "input_schema": schema})
    page.get_by_role("tab", name="Input").click()
    choices = page.get_by_label("Choices, one in each line")
    choices.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("many")
    expect(choices).to_have_value("1\n2\nmany")
    stored = saved(page, design)["input_schema"]["properties"]
    assert stored["size"]["enum"] == [1, 2, "many"]
    page.get_by_label("minimum of share").press_sequentially("0.05")
    expect(page.get_by_label("minimum of share")).to_have_value("0.05")
    page.get_by_role("button", name="Try it").first.click()
    share = page.get_by_role("form", name="Try it").get_by_label("share")
    share.press_sequentially("1.05")
    expect(share).to_have_value("1.05")
    assert saved(page, design)["input_schema"]["properties"]["share"]["minimum"] == 0.05


def test_what_is_written_in_the_dock_outlives_a_look_at_another_tab(signed_in: Page) -> None:
    page = signed_in
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    design = open_design(page, {**DRAFT, "input_schema": schema})
    page.get_by_role("button", name="Try it").first.click()
    form = page.get_by_role("form", name="Try it")
    form.get_by_label("text").fill("A letter")
    page.get_by_role("tab", name="JSON").click()
    editor = page.get_by_label("The draft as JSON")
    editor.press("Control+Home")
    page.keyboard.type(" ")
    expect(page.get_by_role("button", name="Apply")).to_be_enabled()
    block(page, "Two").click()
    field(page, "/label").fill("Second")
    saved(page, design)
    page.get_by_role("tab", name="Try it").click()
    expect(form.get_by_label("text")).to_have_value("A letter")
    page.get_by_role("tab", name="JSON").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    assert saved(page, design)["blocks"][1]["label"] == "Second"
