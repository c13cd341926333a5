"""Two windows on one draft, and a lost connection: nothing that was written is lost."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.designing import call, clerks, open_design, open_designer, saved


def write_task(page: Page, label: str, text: str) -> None:
    page.get_by_role("tab", name="Outline").click()
    page.locator(".outline-block", has_text=label).click()
    page.get_by_role("textbox", name="Task").fill(text)


def tasks(document: dict[str, object]) -> list[object]:
    blocks = document["blocks"]
    assert isinstance(blocks, list)
    return [row.get("task") for row in blocks]


def test_changes_of_different_blocks_come_together(signed_in: Page) -> None:
    mine = signed_in
    design = open_design(mine, clerks("One", "Two"))
    theirs = mine.context.new_page()
    open_designer(theirs, design)
    write_task(mine, "One", "Mine")
    saved(mine, design)
    write_task(theirs, "Two", "Theirs")
    assert tasks(saved(theirs, design)) == ["Mine", "Theirs"]
    mine.get_by_role("button", name="Two").first.click()
    expect(mine.get_by_role("textbox", name="Task")).to_have_value("Theirs")


def test_one_text_that_both_changed_is_chosen_and_both_are_kept(signed_in: Page) -> None:
    mine = signed_in
    design = open_design(mine, clerks("One"))
    mine.route("**/stream/", lambda route: route.abort())
    open_designer(mine, design)
    theirs = mine.context.new_page()
    theirs.route("**/stream/", lambda route: route.abort())
    open_designer(theirs, design)
    write_task(mine, "One", "Mine")
    saved(mine, design)
    write_task(theirs, "One", "Theirs")
    dialog = theirs.get_by_role("dialog", name="Two people changed the same text")
    expect(dialog).to_contain_text("Mine")
    dialog.get_by_label("Edit").check()
    dialog.get_by_label("What stays").fill("Both")
    dialog.get_by_role("button", name="Keep these").click()
    expect(dialog).to_be_hidden()
    assert tasks(saved(theirs, design)) == ["Both"]
    rows = call(theirs, "GET", f"/api/designs/{design}/checkpoints")["results"]
    kept = [call(theirs, "GET", f"/api/designs/{design}/checkpoints/{row['id']}") for row in rows]
    texts = {str(text) for row in kept for text in tasks(row["document"])}
    assert {"Mine", "Theirs"} <= texts


def test_work_without_a_connection_is_back_at_the_next_opening(signed_in: Page) -> None:
    page = signed_in
    design = open_design(page, clerks("One"))
    page.context.set_offline(True)
    write_task(page, "One", "Written without a connection")
    expect(page.get_by_text("Not saved: no connection, kept in this browser")).to_be_visible()
    page.close(run_before_unload=False)
    again = page.context.new_page()
    page.context.set_offline(False)
    open_designer(again, design)
    expect(again.get_by_text("Your unsaved work from")).to_be_visible()
    assert tasks(saved(again, design)) == ["Written without a connection"]
