"""Two windows on one draft, a lost connection or session: nothing that was written is lost."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.installations import PASSWORD
from tests.journeys.designing import call, clerks, open_design, open_designer, saved

# How many copies of unsaved work the browser keeps.
COPIES = "Object.keys(localStorage).filter((key) => key.startsWith('orchestra-draft')).length"
# Only regions of the designer scroll, not the page.
SCROLLS = "document.documentElement.scrollHeight > innerHeight"


def window_of(page: Page) -> Page:
    """Another window of this person, in which calls may fail: the browser complains about each."""
    return page.context.new_page()


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
    design = open_design(signed_in, clerks("One"))
    signed_in.goto("about:blank")
    mine = window_of(signed_in)
    mine.route("**/stream/", lambda route: route.abort())
    open_designer(mine, design)
    theirs = mine.context.new_page()
    theirs.route("**/stream/", lambda route: route.abort())
    open_designer(theirs, design)
    write_task(mine, "One", "Mine")
    saved(mine, design)
    write_task(theirs, "One", "Theirs")
    dialog = theirs.get_by_role("dialog", name="Two people changed the same text")
    expect(dialog.get_by_role("group", name="Text: Mine")).to_have_text("Theirs")
    assert not theirs.evaluate(SCROLLS)
    # On a phone as well.
    theirs.set_viewport_size({"width": 360, "height": 800})
    for text in ("Theirs", "Mine"):
        expect(dialog.locator("pre").get_by_text(text, exact=True)).to_be_visible()
    assert not theirs.evaluate(SCROLLS)
    theirs.set_viewport_size({"width": 1280, "height": 800})
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
    design = open_design(signed_in, clerks("One"))
    signed_in.goto("about:blank")
    page = window_of(signed_in)
    open_designer(page, design)
    page.context.set_offline(True)
    write_task(page, "One", "Written without a connection")
    expect(page.get_by_text("Not saved: no connection, kept in this browser")).to_be_visible()
    page.close(run_before_unload=False)
    again = page.context.new_page()
    page.context.set_offline(False)
    open_designer(again, design)
    expect(again.get_by_text("Your unsaved work from")).to_be_visible()
    assert tasks(saved(again, design)) == ["Written without a connection"]


def test_a_lost_answer_is_no_conflict_with_oneself(signed_in: Page) -> None:
    design = open_design(signed_in, clerks("One"))
    signed_in.goto("about:blank")
    page = window_of(signed_in)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method != "PATCH" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.fetch()
        route.abort()

    page.route("**/stream/", lambda route: route.abort())
    page.route(f"**/api/designs/{design}", lose_the_first)
    open_designer(page, design)
    write_task(page, "One", "Sent")
    expect(page.get_by_text("Not saved: no connection, kept in this browser")).to_be_visible()
    page.get_by_role("textbox", name="Task").fill("Sent, and more")
    assert tasks(saved(page, design)) == ["Sent, and more"]
    assert page.evaluate(COPIES) == 0


def test_work_of_two_windows_is_back_one_after_the_other(signed_in: Page) -> None:
    design = open_design(signed_in, clerks("One", "Two"))
    signed_in.goto("about:blank")
    page, other = window_of(signed_in), window_of(signed_in)
    for window in (page, other):
        open_designer(window, design)
    page.context.set_offline(True)
    write_task(page, "One", "In the first window")
    write_task(other, "Two", "In the second window")
    for window in (page, other):
        expect(window.get_by_text("Not saved: no connection")).to_be_visible()
        window.close(run_before_unload=False)
    again = page.context.new_page()
    page.context.set_offline(False)
    for _ in range(2):
        open_designer(again, design)
        found = tasks(saved(again, design))
    assert found == ["In the first window", "In the second window"]
    assert again.evaluate(COPIES) == 0


def test_an_edit_that_is_undone_without_a_connection_stays_undone(signed_in: Page) -> None:
    design = open_design(signed_in, clerks("One"))
    signed_in.goto("about:blank")
    page = window_of(signed_in)
    open_designer(page, design)
    before = tasks(saved(page, design))
    page.context.set_offline(True)
    write_task(page, "One", "A mistake")
    expect(page.get_by_text("Not saved: no connection")).to_be_visible()
    page.get_by_role("toolbar", name="Canvas tools").get_by_role("button", name="Undo").click()
    page.context.set_offline(False)
    assert tasks(saved(page, design)) == before
    assert page.evaluate(COPIES) == 0


def test_saving_goes_on_after_signing_in_again_in_another_window(signed_in: Page) -> None:
    design = open_design(signed_in, clerks("One"))
    signed_in.goto("about:blank")
    page = window_of(signed_in)
    open_designer(page, design)
    page.context.clear_cookies()
    write_task(page, "One", "Written signed out")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Signed out: sign in to save").click()
    window = opened.value
    window.get_by_label("Username").fill("admin")
    window.get_by_label("Password").fill(PASSWORD)
    window.get_by_role("button", name="Sign in").click()
    window.wait_for_url("**/")
    window.close()
    page.bring_to_front()
    page.get_by_role("textbox", name="Task").fill("Written signed out, and on")
    assert tasks(saved(page, design)) == ["Written signed out, and on"]
