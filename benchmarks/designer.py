"""The designer in a browser: its bundle, time until it is usable, frames while things are moved.

Run: python -m benchmarks.designer  (BENCH_OPENINGS times each design is opened, BENCH_FRAMES of
each movement; a headless Chromium without a graphics card)
"""

from __future__ import annotations

import gzip
import os
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.installations import PASSWORD, ROOT, running
from tests.journeys.conftest import FLAGS
from tests.journeys.designing import call
from tests.services import chromium_path

OPENINGS = int(os.environ.get("BENCH_OPENINGS", "5"))  # noqa: TID251
FRAMES = int(os.environ.get("BENCH_FRAMES", "120"))  # noqa: TID251
# Blocks and connections.
DESIGNS = ((30, 45), (200, 300), (200, 1_000))
BUNDLE = ROOT / "static" / "designer"
TYPES = ("sequential", "parallel", "debate", "reflection", "transform")

# Milliseconds from the start of the navigation until all blocks have been painted.
WHEN_USABLE = """
const watch = new MutationObserver(() => {
  const wanted = Number(sessionStorage.getItem("blocks"));
  if (!wanted || document.querySelectorAll(".react-flow__node").length < wanted) return;
  watch.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.usable = performance.now(); }));
});
watch.observe(document, { childList: true, subtree: true });
"""

# Milliseconds between frames while the canvas, its zoom, or the block nearest to its middle moves.
MOVE = """
async ([kind, frames]) => {
  const pane = document.querySelector(".react-flow__pane");
  const box = pane.getBoundingClientRect();
  let x = box.left + box.width / 2, y = box.top + box.height / 2, target = pane;
  if (kind === "drag") {
    const boxOf = (node) => node.getBoundingClientRect();
    const far = (node) => Math.hypot(boxOf(node).x - x, boxOf(node).y - y);
    target = [...document.querySelectorAll(".react-flow__node")].sort((a, b) => far(a) - far(b))[0];
    const at = target.getBoundingClientRect();
    [x, y] = [at.x + at.width / 2, at.y + at.height / 3];
  }
  const options = { bubbles: true, cancelable: true, view: window };
  const mouse = (type, on, clientX, clientY) =>
    on.dispatchEvent(new MouseEvent(type, { ...options, clientX, clientY, buttons: 1 }));
  const frame = () => new Promise(requestAnimationFrame);
  if (kind !== "zoom") mouse("mousedown", target, x, y);
  const times = [];
  let last = await frame();
  for (let count = 0; count < frames; count += 1) {
    const turn = count / 10;
    if (kind === "zoom") {
      const turned = { clientX: x, clientY: y, deltaY: count % 40 < 20 ? -4 : 4, ctrlKey: true };
      pane.dispatchEvent(new WheelEvent("wheel", { ...options, ...turned }));
    } else mouse("mousemove", window, x + 150 * Math.sin(turn), y + 80 * Math.cos(turn) - 80);
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  if (kind !== "zoom") mouse("mouseup", window, x, y);
  return times;
}
"""


def drawn(blocks: int, connections: int) -> dict[str, Any]:
    """A design of this size without a cycle; the same each time."""
    dice = random.Random(blocks * connections)
    document: dict[str, Any] = {"blocks": [], "connections": []}
    for number in range(blocks):
        kind = TYPES[number % len(TYPES)]
        found: dict[str, Any] = {"id": f"b{number}", "type": kind, "label": f"Block {number}"}
        if kind != "transform":
            found["agents"] = [
                {"id": f"a{row}", "name": f"Agent {row}"} for row in range(number % 4 + 1)
            ]
        document["blocks"].append(found)
    ends: set[tuple[int, int]] = set()
    while len(ends) < connections:
        source = dice.randrange(blocks - 1)
        ends.add((source, min(blocks - 1, source + 1 + int(dice.expovariate(1 / 8)))))
    for number, (source, target) in enumerate(sorted(ends)):
        link = {"id": f"c{number}", "source": f"b{source}", "target": f"b{target}"}
        if number % 10 == 0:
            link["route"] = f"way {number}"
        document["connections"].append(link)
    return document


@contextmanager
def signed_in() -> Iterator[Page]:
    with (
        tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder,
        running(Path(folder) / "data") as installation,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        context = browser.new_context(
            base_url=installation.address, viewport={"width": 1440, "height": 900}
        )
        context.add_init_script(WHEN_USABLE)
        page = context.new_page()
        page.goto("/sign-in/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        yield page
        browser.close()


def placed(page: Page, document: dict[str, Any]) -> str:
    """The id of a new design whose blocks are where *Tidy* puts them."""
    design = str(call(page, "POST", "/api/designs", {"name": "Large", "document": document})["id"])
    sizes = [{"id": one["id"], "width": 196, "height": 168} for one in document["blocks"]]
    body = {"blocks": sizes, "connections": document["connections"]}
    places = call(page, "POST", f"/designs/{design}/place/", body)["positions"]
    for one in document["blocks"]:
        one["position"] = places[one["id"]]
    call(page, "PATCH", f"/api/designs/{design}", {"document": document})
    return design


def open_often(page: Page, design: str, blocks: int) -> str:
    page.evaluate("blocks => sessionStorage.setItem('blocks', blocks)", str(blocks))
    times = []
    for _ in range(OPENINGS):
        page.goto(f"/designs/{design}/")
        times.append(page.wait_for_function("window.usable").json_value())
    return f"usable after {statistics.median(times):.0f} ms (longest {max(times):.0f})"


def moved(page: Page, kind: str) -> str:
    times = sorted(page.evaluate(MOVE, [kind, FRAMES]))
    p95 = times[int(len(times) * 0.95)]
    return f"{kind} {statistics.median(times):.1f} / {p95:.1f}"


def main() -> None:
    for name in ("designer.js", "designer-panels.js", "designer.css", "json-editor.js"):
        text = (BUNDLE / name).read_bytes()
        print(f"{name} {len(text) / 1_000:.0f} kB, {len(gzip.compress(text, 9)) / 1_000:.1f} gzip")
    with signed_in() as page:
        for blocks, connections in DESIGNS:
            design = placed(page, drawn(blocks, connections))
            opened = open_often(page, design, blocks)
            # The first movement draws what the browser has not drawn yet.
            moved(page, "pan")
            frames = ", ".join(moved(page, kind) for kind in ("pan", "zoom", "drag"))
            print(f"{blocks} blocks, {connections} connections: {opened}", flush=True)
            print(f"  milliseconds a frame, median / p95: {frames}", flush=True)


if __name__ == "__main__":
    main()
