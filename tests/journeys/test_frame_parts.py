"""Parts that refresh, the palette, and questions in a dialog."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

HOME = re.compile(r"^https?://[^/]+/$")
REFRESH = "htmx.trigger(document.body, 'fresh')"
ROOT = (
    '<div id="live" data-fresh hx-ext="morph" hx-get="/" hx-trigger="fresh from:body"'
    ' hx-target="this" hx-swap="morph:outerHTML" hx-sync="this:drop">'
)


def answer(page: Page, *rows: int) -> None:
    """What the home page's part answers from now on: a list of rows that open."""

    def fulfill(route: Route) -> None:
        body = "".join(
            f'<li id="row-{row}"><details id="more-{row}"><summary id="of-{row}">Row {row}'
            f'</summary>More</details><input id="text-{row}"></li>'
            for row in rows
        )
        route.fulfill(
            status=200,
            headers={"Content-Type": "text/html", "X-Seen": str(rows)},
            body=f"{ROOT}<ul>{body}</ul></div>",
        )

    page.unroute(HOME)
    page.route(HOME, fulfill)


def test_what_a_reader_does_stays_while_a_row_comes_in_front(signed_in: Page):
    page = signed_in
    page.goto("/")
    answer(page, 1)
    page.evaluate(REFRESH)
    page.locator("#of-1").click()
    page.locator("#text-1").fill("typed")
    page.locator("#of-1").focus()
    answer(page, 3, 2, 1)
    page.evaluate(REFRESH)
    expect(page.locator("#row-3")).to_be_visible()
    expect(page.locator("#of-1")).to_be_focused()
    expect(page.locator("#more-1")).to_have_attribute("open", "")
    expect(page.locator("#text-1")).to_have_value("typed")


def test_the_palette_by_keyboard(signed_in: Page):
    page = signed_in
    page.goto("/account/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Page, deployment")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Designs")).to_be_visible()
    page.keyboard.type("shop-wel")
    expect(page.get_by_role("option", name="Designs")).to_have_count(0)
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(field).to_have_attribute("aria-activedescendant", "palette-actions-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/execute/")
    page.goto("/account/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_question_is_a_dialog_and_a_page(signed_in: Page):
    page = signed_in
    page.goto("/keys/")
    link = page.get_by_role("link", name="Revoke").first
    address = link.get_attribute("href")
    link.click()
    dialog = page.get_by_role("dialog", name="Revoke")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(link).to_be_focused()
    assert page.url.endswith("/keys/")
    page.goto(address or "")
    expect(page.get_by_role("button", name="Revoke")).to_be_visible()


def test_a_switch_that_is_pressed_twice_turns_once(signed_in: Page) -> None:
    page = signed_in
    sent: list[Route] = []
    page.route("**/status/", lambda route: sent.append(route))
    page.goto("/deployments/?view=rows")
    switch = page.get_by_role("switch").first
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.dblclick()
    # A list that was read before tells the old state meanwhile.
    with page.expect_response(lambda answer: "/deployments/?" in answer.url):
        page.evaluate(REFRESH)
    expect(switch).to_have_attribute("aria-checked", "false")
    assert len(sent) == 1
    sent[0].fulfill(status=204, body="")
    expect(switch).to_have_attribute("data-switch", "")
    expect(switch).to_have_attribute("aria-checked", "false")


def test_a_button_says_copied_for_a_moment_however_often_it_is_pressed(signed_in: Page) -> None:
    page = signed_in
    page.context.grant_permissions(["clipboard-write"])
    page.goto("/deployments/?view=rows")
    page.locator("[id^=path-]").first.click()
    page.get_by_role("link", name="API", exact=True).click()
    said = page.locator("[data-copy=snippet] [data-said]")
    for _ in range(2):
        said.click()
        expect(said).to_have_text("Copied")
    expect(said).to_have_text("Copy")


def test_a_search_keeps_the_text_in_the_links_beside_it(signed_in: Page) -> None:
    page = signed_in
    page.goto("/deployments/?view=rows")
    page.get_by_label("Path or design").fill("demo")
    for place in ("#states", "#sorting", "#views"):
        expect(page.locator(f"{place} a").first).to_have_attribute("href", re.compile("text=demo"))
