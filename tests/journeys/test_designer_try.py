"""Trying in the designer: prompts that a review suggests, one block alone, text as it comes."""

from __future__ import annotations

import re
import threading

from playwright.sync_api import Page, expect

from tests.journeys.designing import Document, agent, block, open_design, saved
from tests.journeys.models import connected, spoken
from tests.model_server import model_server

STAND_IN = "offline:stand-in"
INPUT = {"type": "object", "properties": {"topic": {"type": "string"}}}


def steps(*blocks: Document, **more: object) -> Document:
    """Blocks one after the other, side by side."""
    ids = [row["id"] for row in blocks]
    placed = [{**row, "position": {"x": 320 * place, "y": 0}} for place, row in enumerate(blocks)]
    links = [
        {"id": f"{one}_{other}", "source": one, "target": other}
        for one, other in zip(ids, ids[1:], strict=False)
    ]
    return {"schema": 1, "input_schema": INPUT, "blocks": placed, "connections": links, **more}


def writer(block_id: str, *names: str) -> Document:
    agents = [agent(name) for name in names]
    task = "Write about {{ input.topic }}."
    return {"id": block_id, "type": "sequential", "label": block_id, "task": task, "agents": agents}


def template(block_id: str, text: str) -> Document:
    settings = {"template": text}
    return {"id": block_id, "type": "transform", "label": block_id, "settings": settings}


def start(page: Page, model: str = STAND_IN) -> None:
    page.get_by_role("button", name="Try it").first.click()
    form = page.get_by_role("form", name="Try it")
    form.get_by_label("topic").fill("Bread and butter")
    form.get_by_label("Model").select_option(model)
    form.get_by_role("button", name="Try it").click()


def test_suggested_prompts_stand_beside_those_there_are_and_are_applied(signed_in: Page) -> None:
    page = signed_in
    reviewer = {**agent("Eva"), "role": "reflector"}
    settings = {"mode": "review_design"}
    review = {"id": "review", "type": "reflection", "agents": [reviewer], "settings": settings}
    design = open_design(page, steps(writer("letter", "Ann", "Ben", "Cem"), review))
    start(page)
    page.get_by_role("tab", name="Suggestions").click()
    rows = page.locator(".suggestion")
    expect(rows).to_have_count(3)
    sides = rows.first.locator(".out-text")
    expect(sides.first).to_have_text("Answer.")
    expect(sides.last.locator("ins").first).to_be_visible()

    rows.first.get_by_role("button", name="Apply").click()
    expect(rows.first).to_contain_text("applied")
    prompts = [row["system_prompt"] for row in saved(page, design)["blocks"][0]["agents"]]
    assert [prompt == "Answer." for prompt in prompts] == [False, True, True]

    # A prompt that was changed since is not overwritten.
    block(page, "letter").click()
    prompt = page.get_by_role("region", name="Agent Ben").get_by_label("Prompt")
    prompt.fill("Answer briefly.")
    expect(rows.nth(1).locator(".note.warn")).to_be_visible()
    expect(rows.nth(1).get_by_role("button", name="Apply")).to_have_count(0)
    rows.nth(2).get_by_role("button", name="Apply").click()
    expect(rows.nth(2)).to_contain_text("applied")
    prompts = [row["system_prompt"] for row in saved(page, design)["blocks"][0]["agents"]]
    assert prompts[1] == "Answer briefly."
    assert prompts[2] != "Answer."
    page.get_by_role("button", name="Undo").click()
    expect(rows.nth(2).get_by_role("button", name="Apply")).to_be_visible()


def test_all_suggested_prompts_are_applied_as_one_step(signed_in: Page) -> None:
    page = signed_in
    reviewer = {**agent("Eva"), "role": "reflector"}
    settings = {"mode": "review_design"}
    review = {"id": "review", "type": "reflection", "agents": [reviewer], "settings": settings}
    design = open_design(page, steps(writer("letter", "Ann", "Ben"), review))
    start(page)
    page.get_by_role("tab", name="Suggestions").click()
    page.get_by_role("button", name="Apply all").click()
    expect(page.locator(".suggestion", has_text="applied")).to_have_count(2)
    agents = saved(page, design)["blocks"][0]["agents"]
    assert all(row["system_prompt"] != "Answer." for row in agents)
    page.get_by_role("button", name="Undo").click()
    agents = saved(page, design)["blocks"][0]["agents"]
    assert [row["system_prompt"] for row in agents] == ["Answer.", "Answer."]


def test_one_block_alone_reads_outputs_of_the_run_or_typed_ones(signed_in: Page) -> None:
    page = signed_in
    draft = steps(
        template("facts", "About {{ input.topic }}"),
        template("letter", "Dear reader: {{ blocks.facts.output }}"),
    )
    open_design(page, draft)
    start(page)
    block(page, "letter").click()
    output = page.get_by_role("region", name="Output of letter")
    expect(output).to_contain_text("Dear reader: About Bread and butter")
    form = page.get_by_role("form", name="Try it")
    form.get_by_label("Only letter").check()
    given = form.get_by_label("Output of facts")
    expect(given).to_have_value("About Bread and butter")
    button = form.get_by_role("button", name="Try it")
    with page.expect_response("**/execute") as answered:
        button.click()
    body = answered.value.request.post_data_json
    assert (body["only"], body["given"]) == ("letter", {"facts": "About Bread and butter"})
    # Its text is the one before, and the button cancels while it runs.
    of_run = re.compile(answered.value.json()["log_id"])
    expect(page.get_by_role("link", name="Open this run")).to_have_attribute("href", of_run)
    expect(output).to_contain_text("Dear reader: About Bread and butter")
    expect(button).to_be_visible()
    given.fill("Only cheese")
    button.click()
    expect(output).to_contain_text("Dear reader: Only cheese")


def test_text_stands_on_its_block_before_the_run_has_ended(signed_in: Page) -> None:
    page = signed_in
    is_read = threading.Event()

    with model_server() as server, connected(page, "slowly", server.url):
        server.usual = spoken(is_read, "Dear ", "reader, ", "bye.")
        open_design(page, steps(writer("letter", "Ann")))
        start(page, "slowly")
        letter = block(page, "letter")
        expect(letter.locator(".block-text")).to_have_text("Dear reader,")
        expect(letter.locator(".state.running")).to_be_attached()
        is_read.set()
        expect(letter.locator(".state.completed")).to_be_attached()
        expect(page.get_by_role("region", name="Result")).to_contain_text("Dear reader, bye.")
