"""The side bar, the person's menu and messages, by keyboard and on a phone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

PAGES = ("/", "/deployments/", "/executions/", "/designs/", "/schedules/", "/keys/", "/account/",
         "/style/", "/api/docs")  # fmt: skip


def root(page: Page, name: str) -> str | None:
    return page.evaluate(f"document.documentElement.dataset.{name} ?? null")


def test_theme_and_density_are_chosen_by_keyboard_and_kept(signed_in: Page):
    page = signed_in
    page.locator("summary", has_text="admin").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="System").focus()
    page.keyboard.press("ArrowLeft")
    assert root(page, "theme") == "dark"
    page.get_by_role("radio", name="Comfortable").focus()
    page.keyboard.press("ArrowRight")
    assert root(page, "density") == "compact"
    page.keyboard.press("Escape")
    expect(page.get_by_role("radio", name="Dark")).to_have_count(0)
    expect(page.locator("summary", has_text="admin")).to_be_focused()

    page.goto("/executions/")
    assert (root(page, "theme"), root(page, "density")) == ("dark", "compact")
    # The admin keeps to the same choice.
    page.goto("/admin/")
    expect(page.locator("html")).to_have_class("dark")
    page.goto("/")
    page.locator("summary", has_text="admin").click()
    page.get_by_text("System", exact=True).click()
    page.reload()
    assert root(page, "theme") is None


def test_the_side_bar_folds_and_stays_so(signed_in: Page):
    page = signed_in
    page.get_by_role("button", name="Fold the menu").click()
    page.goto("/deployments/")
    assert root(page, "nav") == "narrow"
    current = page.get_by_role("navigation", name="Main").get_by_role("link", name="Deployments")
    expect(current).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Unfold the menu").click()
    assert root(page, "nav") == "wide"


def test_a_phone_has_a_menu_and_scrolls_one_way(signed_in: Page):
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 700})
    for path in PAGES:
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, (path, width)
    places = page.get_by_role("navigation", name="Main")
    expect(places).to_be_hidden()
    button = page.get_by_role("button", name="Menu", exact=True)
    button.click()
    expect(places.get_by_role("link", name="Home", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(places).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    places.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
