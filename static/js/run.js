// Follows a run on its page: states, bars and model text as they come; the page's parts at its end.
"use strict";

(function () {
  const POLL_MS = 5000;
  const MAX_FAILURES = 3;
  const SVG = "http://www.w3.org/2000/svg";
  const $ = function (selector, inside) { return (inside || document).querySelector(selector); };
  const named = function (name, value) { return "[" + name + '="' + CSS.escape(value) + '"]'; };

  let root = null;
  let source = null;
  let failures = 0;
  let timer = 0;
  let poll = 0;
  let isPicked = false;
  let picks = 0;
  // The block and tab that the reader chose last; null until then.
  let chosen = null;
  let begunAt = 0;
  let names = {};
  // Texts in progress by step: {block, agent, words, text}.
  let said = new Map();
  const toggled = new Set();
  // What the steps used, by their keys.
  const used = new Map();

  // --- Fetching parts -------------------------------------------------------------------------------

  function address(extra) {
    const url = new URL(root.dataset.url, location.href);
    const shown = $("[data-shown]");
    if (isPicked && (chosen || shown)) {
      url.searchParams.set("block", chosen ? chosen.block : shown.dataset.shown);
      url.searchParams.set("tab", chosen ? chosen.tab : shown.dataset.shownTab);
    }
    for (const [name, value] of Object.entries(extra || {})) url.searchParams.set(name, value);
    return url;
  }

  async function fetchParts(extra) {
    const answer = await fetch(address(extra), { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function morph(parts, id) {
    const before = document.getElementById(id);
    const after = parts.getElementById(id);
    if (!before || !after) return;
    if (window.Idiomorph) window.Idiomorph.morph(before, after, { morphStyle: "outerHTML", ignoreActiveValue: true });
    else before.replaceWith(after);
    const now = document.getElementById(id);
    window.htmx?.process(now);
    document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { elt: now } }));
  }

  async function refresh() {
    const of = root.dataset.run;
    const was = chosen;
    const parts = await fetchParts();
    if (!root || root.dataset.run !== of) return;
    // What was chosen meanwhile would be put back.
    if (chosen !== was) return refresh();
    morph(parts, "run-bar");
    morph(parts, "run");
    root = $("#run");
    showToggled();
    if (!root.dataset.events) stop();
    else begin();
  }

  async function pick(block, tab, byReader) {
    isPicked = isPicked || byReader;
    if (byReader) chosen = { block: block, tab: tab || "" };
    picks += 1;
    const asked = picks;
    const parts = await fetchParts({ block: block, tab: tab || "", part: "details" });
    // The last one counts, whichever answer is the last.
    if (asked !== picks || (!byReader && isPicked)) return;
    morph(parts, "run-details");
    for (const link of document.querySelectorAll("svg a[data-pick]")) {
      const isChosen = link.dataset.pick === block;
      if (isChosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      $("[data-block]", link).classList.toggle("selected", isChosen);
    }
    for (const row of document.querySelectorAll("[data-row]")) row.classList.toggle("on", row.dataset.row === block);
    if (byReader) history.replaceState(null, "", pageAddress(block, tab));
    for (const key of said.keys()) showSaid(key);
  }

  function pageAddress(block, tab) {
    const url = new URL(location.href);
    url.searchParams.set("block", block);
    if (tab) url.searchParams.set("tab", tab);
    else url.searchParams.delete("tab");
    return url;
  }

  // --- States ---------------------------------------------------------------------------------------

  function sign(state, kind) {
    const found = $(named("data-" + (kind || "sign"), state), $("#run-signs")?.content);
    return found ? found.firstElementChild.cloneNode(true) : null;
  }

  function setState(block, state) {
    const shape = $(named("data-block", block));
    const drawn = sign(state);
    if (!drawn) return;
    if (shape) {
      const isSelected = shape.classList.contains("selected");
      shape.setAttribute("class", "block " + state + (isSelected ? " selected" : ""));
      const mark = $("g.state", shape);
      mark?.setAttribute("class", "state " + state);
      mark?.replaceChildren(...$("svg", drawn).cloneNode(true).childNodes);
    }
    $(named("data-sign-of", block))?.replaceChildren(drawn);
    $(named("data-state-of", block))?.replaceChildren(sign(state, "word"));
  }

  // --- Bars -----------------------------------------------------------------------------------------

  function elapsed() { return Number(root.dataset.elapsed) + performance.now() - begunAt; }

  function since(at) {
    return Math.max(0, (typeof at === "number" ? at * 1000 : Date.parse(at)) - Date.parse(root.dataset.origin));
  }

  function barIn(row, kind, from) {
    const bar = document.createElementNS(SVG, "rect");
    const isThin = kind === "span";
    const attributes = { class: kind, "data-from": from, y: isThin ? 10 : 6, height: isThin ? 6 : 14, rx: 2.5, "data-live": "" };
    for (const [name, value] of Object.entries(attributes)) bar.setAttribute(name, value);
    $(".lane svg", row).append(bar);
  }

  function endBars(row, at, kind) {
    for (const bar of row.querySelectorAll("[data-live]")) {
      bar.dataset.to = at;
      bar.removeAttribute("data-live");
      if (kind) bar.setAttribute("class", kind);
    }
  }

  function inWords(ms) {
    if (ms < 1000) return Math.round(ms) + " ms";
    if (ms < 60000) return (ms / 1000).toFixed(1) + " s";
    const minutes = Math.floor(ms / 60000);
    return minutes < 60 ? minutes + " min " + Math.floor((ms % 60000) / 1000) + " s" : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
  }

  const MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const STEPS = [100, 200, 500, 1000, 2000, 5000, 10000, 20000, 30000].concat(
    [1, 2, 5, 10, 15, 30].map(function (minutes) { return minutes * MINUTE; }),
    [1, 2, 3, 6, 12].map(function (hours) { return hours * HOUR; }),
    [1, 2, 5, 10, 20].map(function (days) { return days * DAY; }));

  function timeOf(ms) {
    if (ms < 2 * MINUTE) return ms / 1000 + " s";
    if (ms < 2 * HOUR) return ms / MINUTE + " min";
    return ms < 2 * DAY ? ms / HOUR + " h" : ms / DAY + " d";
  }

  function drawAxis(total) {
    const axis = $(".gantt .axis svg");
    if (!axis) return;
    // As `Timeline.ticks` has them.
    const step = STEPS.find(function (one) { return total / one <= 7; }) || total / 7;
    const texts = [];
    for (let at = 0; at < 0.95 * total; at += step) {
      const text = document.createElementNS(SVG, "text");
      text.setAttribute("x", (100 * at) / total + "%");
      text.setAttribute("y", "18");
      text.setAttribute("dx", "3");
      text.textContent = timeOf(at);
      texts.push(text);
    }
    axis.replaceChildren(...texts);
  }

  function draw() {
    const now = elapsed();
    for (const bar of document.querySelectorAll(".lane rect[data-from]")) {
      const from = Number(bar.dataset.from);
      const to = "live" in bar.dataset ? now : Number(bar.dataset.to);
      bar.setAttribute("x", (1000 * from) / now);
      bar.setAttribute("width", Math.max(2, (1000 * (to - from)) / now));
    }
    drawAxis(now);
    const spent = $("[data-spent]");
    if (spent && Number(spent.dataset.spent)) spent.textContent = inWords(Number(spent.dataset.spent) + performance.now() - begunAt);
  }

  function stepRow(key, block, label, words) {
    const known = $(".gantt " + named("data-step", key));
    const owner = $(named("data-row", block));
    if (known || !owner) return known;
    const row = owner.cloneNode(true);
    row.className = "step";
    row.removeAttribute("id");
    row.removeAttribute("data-row");
    row.dataset.step = key;
    row.dataset.of = block;
    const faint = document.createElement("span");
    const cut = document.createElement("span");
    faint.className = "faint";
    faint.textContent = label ? words : words.charAt(0).toUpperCase() + words.slice(1);
    cut.className = "cut";
    cut.append(label && label + " ", faint);
    $("th", row).replaceChildren(cut);
    $(".lane svg", row).replaceChildren();
    for (const cell of row.querySelectorAll(".n")) cell.textContent = "";
    let last = owner;
    while (last.nextElementSibling && !last.nextElementSibling.dataset.row) last = last.nextElementSibling;
    last.after(row);
    return row;
  }

  // --- Conversation ---------------------------------------------------------------------------------

  function showSaid(key) {
    const piece = said.get(key);
    const shown = $("[data-shown]");
    if (!shown || shown.dataset.shown !== piece.block || shown.dataset.shownTab !== "conversation") return;
    let article = $(named("data-say", key), shown);
    if (!article) {
      article = document.createElement("article");
      article.className = "say";
      article.dataset.say = key;
      const face = document.createElement("span");
      face.className = "face";
      face.setAttribute("aria-hidden", "true");
      // A block without agents speaks by its own name.
      const name = piece.agent || $(named("data-row", piece.block) + " th .cut")?.textContent || "";
      face.textContent = name.slice(0, 2).toUpperCase();
      const head = document.createElement("header");
      const who = document.createElement("strong");
      who.textContent = name;
      const words = document.createElement("span");
      words.className = "faint small";
      words.textContent = piece.words;
      head.append(who, words);
      const text = document.createElement("div");
      text.className = "text said";
      article.append(face, head, text);
      $("[data-empty]", shown)?.remove();
      shown.append(article);
    }
    const isAtEnd = shown.scrollHeight - shown.scrollTop - shown.clientHeight < 40;
    const text = $(".text", article);
    text.textContent = piece.text;
    if (!piece.isOver) {
      const caret = document.createElement("span");
      caret.className = "caret";
      text.append(caret);
    }
    if (isAtEnd) shown.scrollTop = shown.scrollHeight;
  }

  function piece(key, block, agent, words) {
    if (!said.has(key)) said.set(key, { block: block, agent: agent, words: words, text: "", isOver: false });
    return said.get(key);
  }

  function agentName(block, agent) { return names[block]?.[agent] || agent || ""; }

  // --- Events ---------------------------------------------------------------------------------------

  const hear = {
    block: function (data) {
      const row = $(named("data-row", data.block_id));
      setState(data.block_id, data.status);
      if (row && data.status === "running" && !$(".lane rect", row)) barIn(row, "span", since(data.started_at));
      if (row && data.completed_at) endBars(row, since(data.completed_at), data.status === "failed" ? "tail" : "");
      if (data.status === "running" && !isPicked && $("[data-shown]")?.dataset.shown !== data.block_id) {
        pick(data.block_id, "", false).catch(function () {});
      }
    },
    started: function (data) {
      const words = data.purpose.replaceAll("_", " ") + (data.round > 1 ? ", round " + data.round : "") + (data.try > 1 ? ", try " + data.try : "");
      const agent = agentName(data.block_id, data.agent_id);
      const row = stepRow(data.step, data.block_id, agent, words);
      if (row && !row.id) {
        endBars(row, since(data.at), "fail");
        barIn(row, "run", since(data.at));
      }
      if (!said.get(data.step)?.isOver) {
        piece(data.step, data.block_id, agent, words).words = words;
        showSaid(data.step);
      }
    },
    map: function (data) {
      const place = $(named("data-progress", data.block_id));
      if (!place) return;
      const counts = [data.done, data.total].map(function (one) { return one.toLocaleString("en"); });
      place.textContent = counts.join(" / ") + (data.failed ? ", " + data.failed.toLocaleString("en") + " failed" : "");
    },
    delta: function (data) {
      const now = piece(data.step, data.block_id, agentName(data.block_id, data.agent_id), "");
      if (now.isOver) return;
      now.text = now.text.slice(0, data.at) + data.text;
      showSaid(data.step);
    },
    step: function (data) {
      if (data.model) used.set(data.key, { calls: data.tries, input: data.input_tokens, output: data.output_tokens });
      for (const place of document.querySelectorAll("[data-used]")) {
        let sum = 0;
        for (const one of used.values()) sum += one[place.dataset.used];
        place.textContent = sum.toLocaleString("en");
      }
      const row = stepRow(data.key, data.block_id, agentName(data.block_id, data.agent_id), data.purpose.replaceAll("_", " "));
      if (row && !row.id) {
        endBars(row, elapsed(), data.status === "failed" ? "fail" : "step");
        const cells = row.querySelectorAll(".n");
        cells[0].textContent = inWords(data.duration_ms);
        if (data.model) cells[1].textContent = (data.input_tokens + data.output_tokens).toLocaleString("en");
        if (data.cost_usd) cells[2].textContent = "$" + Number(data.cost_usd).toFixed(4);
      }
      if (!data.agent_id || $(named("data-say", data.key) + "[id]")) return;
      const now = piece(data.key, data.block_id, agentName(data.block_id, data.agent_id), data.purpose);
      now.isOver = true;
      if (data.text) now.text = data.text;
      showSaid(data.key);
    },
    execution: function (data) {
      if (data.status !== root.dataset.status) refresh().catch(function () {});
    },
    // What is asked of people, and their votes.
    request: function () { refresh().catch(function () {}); },
    done: function () {
      source?.close();
      refresh().catch(pollInstead);
    },
  };

  // --- Following ------------------------------------------------------------------------------------

  function begin() {
    root.dataset.elapsed = root.dataset.total;
    begunAt = performance.now();
    names = JSON.parse($("#run-names")?.textContent || "{}");
  }

  function tell(text) {
    const follow = $("[data-follow]");
    if (follow && follow.textContent !== text) follow.textContent = text;
  }

  function stop() {
    source?.close();
    clearInterval(timer);
    clearInterval(poll);
    source = null;
    timer = poll = 0;
    said = new Map();
    used.clear();
  }

  function pollInstead() {
    source?.close();
    source = null;
    if (poll || !root) return;
    const again = function () {
      refresh().catch(function () {}).then(function () {
        if (poll) tell("Live updates are interrupted; refreshing every 5 s");
      });
    };
    poll = setInterval(again, POLL_MS);
    tell("Live updates are interrupted; refreshing every 5 s");
  }

  function follow() {
    source = new EventSource(root.dataset.events);
    for (const [name, listen] of Object.entries(hear)) {
      source.addEventListener(name, function (event) { listen(JSON.parse(event.data)); });
    }
    source.addEventListener("open", function () {
      if (failures) refresh().catch(function () {});
      failures = 0;
    });
    source.addEventListener("error", function () {
      failures += 1;
      if (failures >= MAX_FAILURES || source?.readyState === EventSource.CLOSED) pollInstead();
    });
    timer = setInterval(draw, 500);
  }

  function start() {
    const found = $("#run");
    if (found === root) return;
    // The run of before may be gone without another.
    if (root) stop();
    root = found;
    if (!root) return;
    chosen = null;
    isPicked = new URL(location.href).searchParams.has("block");
    begin();
    if (root.dataset.events) follow();
  }

  function showToggled() {
    for (const name of ["only-slow", "collapsed"]) {
      $(".gantt")?.classList.toggle(name, toggled.has(name));
      $(named("data-toggle", name))?.setAttribute("aria-pressed", String(toggled.has(name)));
    }
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest("a[data-pick]");
    if (link && root && !(event.ctrlKey || event.metaKey || event.shiftKey || event.button)) {
      event.preventDefault();
      const address = link.getAttribute("href");
      pick(link.dataset.pick, link.dataset.tab, true).catch(function () { location.assign(address); });
    }
    const toggle = event.target.closest("[data-toggle]");
    if (toggle) {
      const name = toggle.dataset.toggle;
      if (!toggled.delete(name)) toggled.add(name);
      showToggled();
    }
  });

  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:afterSettle", function (event) { if (event.detail.elt !== root) start(); });
})();
