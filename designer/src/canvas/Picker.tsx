// A list over the canvas that is searched by typing: blocks to add, or targets to connect with.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { blockOf, type DesignDocument, type Position } from "../document";
import { Pictogram } from "../panels/StateSign";
import { store } from "../store";
import { addBlockAt, connectEnds, endsBetween, middleOf, targetsFor } from "./adding";
import { useCell } from "./cell";
import { focusCanvas } from "./focus";
import { WIDTH } from "./geometry";
import { placesOf } from "./places";
import { picking, size, toScreen, type Picking } from "./view";
import { labelOf } from "./walking";

interface Choice {
  key: string;
  label: string;
  hint: string;
  type: string;
  /** Why it cannot be chosen. */
  reason: string | null;
  choose: () => void;
}

export function Picker() {
  const open = useCell(picking);
  return open ? <List key={JSON.stringify(open)} open={open} /> : null;
}

function List({ open }: { open: Picking }) {
  const [text, type] = useState("");
  const [active, walk] = useState(0);
  const root = useRef<HTMLDivElement>(null);
  const [choices] = useState(() => choicesFor(open));
  const [spot] = useState(() => spotFor(open));
  const shown = matching(choices, text);
  const place = Math.min(active, shown.length - 1);
  // Before the next key arrives: it belongs to the list.
  useLayoutEffect(() => root.current?.querySelector("input")?.focus(), []);
  useEffect(() => closeOutside(root), []);
  useEffect(() => {
    root.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [place, text]);
  const choose = (choice: Choice | undefined) => {
    if (!choice || choice.reason) return;
    picking.set(null);
    focusCanvas();
    choice.choose();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) walk((place + step + shown.length) % Math.max(1, shown.length));
    else if (event.key === "Enter") choose(shown[place]);
    else if (event.key === "Escape" || event.key === "Tab") {
      picking.set(null);
      focusCanvas();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const title = titleOf(open);
  return (
    <div class="canvas-picker" ref={root} style={spot} onKeyDown={press}>
      <input
        class="input"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="picker-list"
        aria-activedescendant={shown.length ? `picker-${place}` : undefined}
        aria-label={title}
        placeholder={title}
        value={text}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => {
          type(currentTarget.value);
          walk(0);
        }}
      />
      <ul id="picker-list" role="listbox" aria-label={title}>
        {shown.map((choice, index) => (
          <li
            key={choice.key}
            id={`picker-${index}`}
            role="option"
            aria-selected={index === place}
            aria-disabled={choice.reason !== null || undefined}
            onPointerMove={() => index !== place && walk(index)}
            onClick={() => choose(choice)}
          >
            <span class="tile"><Pictogram type={choice.type} /></span>
            <span class="picker-label">
              <b>{choice.label}</b>
              <span>{choice.reason ?? choice.hint}</span>
            </span>
          </li>
        ))}
        {!shown.length && <li class="faint" role="presentation">Nothing is called that.</li>}
      </ul>
    </div>
  );
}

function closeOutside(root: { current: HTMLElement | null }): () => void {
  const close = (event: PointerEvent) => {
    if (!root.current?.contains(event.target as Node)) picking.set(null);
  };
  document.addEventListener("pointerdown", close);
  return () => document.removeEventListener("pointerdown", close);
}

const WIDE = 352;
const HIGH = 400;

/** Beside what the list is about, and inside the canvas. */
function spotFor(open: Picking): { left: string; top: string } {
  const { document } = store.get();
  const { width, height } = size.get();
  const point = document && anchorOf(document, open);
  const { x, y } = point ? toScreen(point) : { x: (width - WIDE) / 2, y: 64 };
  const inside = (value: number, room: number) => `${Math.max(8, Math.min(value, room))}px`;
  return { left: inside(x, width - WIDE - 8), top: inside(y, height - HIGH - 8) };
}

function anchorOf(document: DesignDocument, open: Picking): Position | null {
  if (open.kind === "add" && open.at) return open.at;
  if (open.kind === "add" && open.link) return middleOf(document, open.link);
  const id = open.kind === "add" ? open.behind : open.from.block;
  const place = id ? placesOf(document).get(id) : undefined;
  return place ? { x: place.x + WIDTH + 24, y: place.y } : null;
}

// --- What can be chosen ---------------------------------------------------------------------------

function titleOf(open: Picking): string {
  const { document } = store.get();
  const name = (id: string | null) => {
    const block = document && blockOf(document, id);
    return block ? labelOf(block) : null;
  };
  if (open.kind === "connect") return `Connect ${name(open.from.block)} ${open.from.side === "source" ? "with" : "from"}`;
  const before = name(open.behind ?? open.from?.block ?? null);
  return before && !open.link ? `Add a block ${open.from?.side === "target" ? "before" : "behind"} ${before}` : "Add a block";
}

function choicesFor(open: Picking): Choice[] {
  const { document } = store.get();
  if (!document) return [];
  return open.kind === "add" ? blocksFor(open) : targets(document, open.from);
}

function blocksFor(open: Picking & { kind: "add" }): Choice[] {
  return store.get().data.palette.map((entry) => ({
    key: entry.type,
    label: entry.label,
    hint: entry.summary,
    type: entry.type,
    reason: null,
    choose: () => {
      const { behind, at, link, from } = open;
      addBlockAt(entry.type, at, { behind, isConnected: true, ...(link ? { link } : {}), ...(from ? { from } : {}) });
    },
  }));
}

function targets(document: DesignDocument, from: Extract<Picking, { kind: "connect" }>["from"]): Choice[] {
  return targetsFor(document, from).map((target) => ({
    key: `${target.block} ${target.agent ?? ""}`,
    label: target.label,
    hint: target.hint,
    type: blockOf(document, target.block)?.type ?? "",
    reason: target.reason,
    choose: () => connectEnds(endsBetween(from, target)),
  }));
}

/** Every typed word begins a word of the label or is part of the hint. */
function matching(choices: Choice[], text: string): Choice[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return choices;
  const rank = (choice: Choice) => {
    const label = choice.label.toLowerCase();
    if (label.startsWith(wanted.join(" "))) return 0;
    if (wanted.every((word) => label.includes(word))) return 1;
    return wanted.every((word) => `${label} ${choice.hint.toLowerCase()}`.includes(word)) ? 2 : 3;
  };
  const ranked = choices.map((choice) => ({ choice, rank: rank(choice) })).filter(({ rank: value }) => value < 3);
  return ranked.sort((one, other) => one.rank - other.rank).map(({ choice }) => choice);
}
