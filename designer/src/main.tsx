// Starts the designer in the page that the server made.

import { render } from "preact";
import { App } from "./App";
import { whyNotDrawn, type DesignDocument } from "./document";
import { fetchPanelsSoon } from "./panels/Later";
import { startPresence } from "./presence";
import { startProblems } from "./problems";
import { startRuns } from "./run";
import { saver } from "./save";
import { NOTHING, isPhone, store, type PageData } from "./store";
import "./styles/base.css";
import "./styles/bar.css";
import "./styles/dock.css";
import "./styles/panels.css";

function start(): void {
  const root = document.getElementById("designer");
  const handed = document.getElementById("designer-data");
  if (!root || !handed?.textContent) return;
  const data = JSON.parse(handed.textContent) as PageData;
  const raw = data.design.document;
  const notDrawn = whyNotDrawn(raw);
  store.start({
    data,
    document: notDrawn ? null : (raw as DesignDocument),
    raw,
    notDrawn,
    readOnly: !data.rights.change,
    save: { kind: "saved", at: new Date(data.design.changed_at) },
    selection: NOTHING,
    focus: null,
    problems: data.problems ?? [],
    hints: data.hints ?? [],
    bound: data.bound ?? null,
    run: null,
    lastInput: data.input_example ?? null,
    dock: { isOpen: notDrawn !== null, tab: notDrawn ? "json" : "try", height: 296 },
    // On a phone it is a sheet that would cover the canvas.
    palette: { isOpen: !isPhone(), tab: isPhone() ? "outline" : "blocks" },
    inspector: { isOpen: true, field: null },
    people: [],
    dialog: null,
    messages: [],
    importWarnings: [],
    undoName: null,
    redoName: null,
  });
  saver.start();
  startPresence();
  startProblems();
  startRuns();
  root.replaceChildren();
  document.documentElement.classList.add("designing");
  render(<App />, root);
  fetchPanelsSoon();
}

start();
