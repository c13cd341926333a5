// The history: the brush over the chart, walking the rows by j and k, times in the reader's zone.
"use strict";

(function () {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const clock = { hour: { hour: "2-digit", minute: "2-digit" }, day: { day: "numeric", month: "short" } };

  // What a field for a local time takes.
  function local(seconds) {
    const at = new Date(seconds * 1000);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  }

  function choose(brush, first, last) {
    const form = document.getElementById("filters").elements;
    const [start, step, bars] = ["start", "step", "bars"].map((name) => Number(brush.dataset[name]));
    form.since.value = first > 0 ? local(start + first * step) : "";
    form.until.value = last < bars ? local(start + last * step) : "";
    form.zone.value = zone;
    form.since.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function draw(brush, from, to) {
    const part = brush.querySelector(".brush-part");
    part.setAttribute("x", Math.min(from, to) * 10);
    part.setAttribute("width", Math.abs(to - from) * 10);
  }

  // The whole bar that the pointer is on.
  function barAt(brush, event) {
    const box = brush.getBoundingClientRect();
    const bars = Number(brush.dataset.bars);
    return Math.max(0, Math.min(bars, ((event.clientX - box.left) / box.width) * bars));
  }

  document.addEventListener("pointerdown", function (event) {
    const brush = event.target.closest(".brush");
    if (!brush || event.target.matches("input") || event.button) return;
    const from = barAt(brush, event);
    const move = (next) => draw(brush, Math.floor(from), barAt(brush, next));
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", function (end) {
      document.removeEventListener("pointermove", move);
      const ends = [from, barAt(brush, end)].sort((a, b) => a - b);
      choose(brush, Math.floor(ends[0]), Math.max(Math.ceil(ends[1]), Math.floor(ends[0]) + 1));
    }, { once: true });
  });

  document.addEventListener("input", function (event) {
    const brush = event.target.closest(".brush");
    if (brush) draw(brush, ...Array.from(brush.querySelectorAll("input"), (end) => Number(end.value)));
  });

  document.addEventListener("change", function (event) {
    const brush = event.target.closest(".brush");
    if (!brush) return;
    const ends = Array.from(brush.querySelectorAll("input"), (end) => Number(end.value)).sort((a, b) => a - b);
    choose(brush, ends[0], Math.max(ends[1], ends[0] + 1));
  });

  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.closest("input, select, textarea, dialog, [contenteditable]");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const rows = Array.from(document.querySelectorAll("#runs .whole-row"));
    const next = rows[rows.indexOf(document.activeElement) + step];
    if (next) next.focus();
  });

  // What lies outside of the part that is swapped.
  function refresh() {
    const part = document.getElementById("history");
    const form = document.getElementById("filters");
    if (!part || !form) return;
    if (!form.elements.zone.value) form.elements.zone.value = zone;
    document.querySelector("[data-zone]").textContent = form.elements.zone.value;
    document.querySelector("input[data-query]").value = part.dataset.query;
    for (const link of document.querySelectorAll("[data-export]")) {
      link.href = link.pathname + "?" + part.dataset.query + "&form=" + link.dataset.export;
    }
    for (const tick of part.querySelectorAll("[data-tick]")) {
      tick.textContent = new Date(tick.dateTime).toLocaleString("en-GB", clock[tick.dataset.tick]);
    }
  }

  document.addEventListener("DOMContentLoaded", refresh);
  document.addEventListener("htmx:afterSettle", refresh);
})();
