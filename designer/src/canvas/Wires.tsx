// Connections as curves with their routes and conditions, drawn in one picture below the blocks.

import { ViewportPortal } from "@xyflow/react";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { connectionsOf, type Block, type Connection, type DesignDocument, type Problem } from "../document";
import { Icon } from "../panels/Icon";
import { store, useStore, type Run } from "../store";
import { useCell } from "./cell";
import { removeSelection } from "./commands";
import { focusGround } from "./focus";
import { along, curve, lineOf, tip, words, type Line } from "./geometry";
import { eye, placesNow, placesOf } from "./places";
import { moving, picking } from "./view";
import { draft, startWire } from "./wiring";

interface Drawn {
  link: Connection;
  line: Line;
  look: string;
  wire: JSX.Element;
  pill: JSX.Element | null;
}

export function Wires() {
  const document = useStore((state) => state.document);
  const selected = useStore((state) => state.selection.connection);
  const run = useStore((state) => state.run);
  const problems = useStore((state) => state.problems);
  const places = useCell(eye) && document && placesOf(document);
  const known = useRef(new Map<string, Drawn>());
  const layer = useRef<HTMLDivElement>(null);
  useEffect(() => followMoves(layer), []);
  if (!document || !places) return null;
  const drawn = drawAll(document, known.current, { selected, states: statesOf(run), bad: badLinks(problems) });
  known.current = drawn;
  const all = [...drawn.values()];
  const chosen = selected ? drawn.get(selected) : undefined;
  return (
    <ViewportPortal>
      <div class="wires" ref={layer}>
        <svg aria-hidden="true" onClick={pick} onDblClick={insert}>
          {all.map(({ wire }) => wire)}
          {chosen && <Grips drawn={chosen} />}
          <DraftWire />
        </svg>
        {all.map(({ pill }) => pill)}
        {chosen && <WireTools drawn={chosen} />}
      </div>
    </ViewportPortal>
  );
}

// --- Drawing --------------------------------------------------------------------------------------

interface Looks {
  selected: string | null;
  states: Map<string, string>;
  bad: Set<number>;
}

function drawAll(document: DesignDocument, known: Map<string, Drawn>, looks: Looks): Map<string, Drawn> {
  const blocks = new Map(document.blocks.map((block) => [block.id, block]));
  const places = placesNow(document);
  const drawn = new Map<string, Drawn>();
  connectionsOf(document).forEach((link, index) => {
    const line = lineOf(link, blocks, places);
    if (!line) return;
    const look = [
      "wire",
      link.source_agent || link.target_agent ? "agent" : "",
      looks.states.get(link.id) ?? "",
      looks.selected === link.id ? "selected" : "",
      looks.bad.has(index) ? "bad" : "",
    ].filter(Boolean).join(" ");
    const old = known.get(link.id);
    const isSame = old?.link === link && old.look === look && sameLine(old.line, line);
    drawn.set(link.id, isSame ? old : { link, line, look, wire: wireOf(link.id, line, look), pill: pillOf(link, line, look) });
  });
  return drawn;
}

const sameLine = ({ from, to }: Line, other: Line): boolean =>
  from.x === other.from.x && from.y === other.from.y && to.x === other.to.x && to.y === other.to.y;

function wireOf(id: string, line: Line, look: string): JSX.Element {
  const path = curve(line);
  return (
    <g key={id} class={look} data-link={id}>
      <path class="hit" d={path} />
      <path class="line" d={path} />
      <path class="tip" d={tip(line)} />
    </g>
  );
}

function pillOf(link: Connection, line: Line, look: string): JSX.Element | null {
  const when = words(link.when);
  const route = words(link.route);
  if (!when && !route) return null;
  const meaning = [route && `Route ${route}`, when && `If ${when}`].filter(Boolean).join(". ");
  return (
    <span
      key={link.id}
      class={look.replace("wire", when ? "pill code" : "pill")}
      data-link={link.id}
      title={meaning}
      style={{ transform: pillPlace(line) }}
      onClick={pick}
      onDblClick={insert}
    >
      {when ? short(when) : route}
    </span>
  );
}

const pillPlace = (line: Line): string => {
  const { x, y } = along(line, 0.5);
  return `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
};

/** What is said about the input and what comes in is told by the wire itself. */
const short = (when: string): string => when.replace(/\b(input|incoming)\.(?=\w)/g, "");

/** Which way the try went. */
function statesOf(run: Run | null): Map<string, string> {
  const states = new Map<string, string>();
  if (!run) return states;
  for (const id of run.notTaken) states.set(id, "off");
  for (const id of run.taken) states.set(id, "taken");
  for (const link of connectionsOf(run.document)) {
    if (run.blocks[link.target]?.status === "running" && states.get(link.id) === "taken") states.set(link.id, "flow");
  }
  return states;
}

function badLinks(problems: Problem[]): Set<number> {
  const found = problems.map(({ path }) => /^\/connections\/(\d+)/.exec(path)?.[1]);
  return new Set(found.filter((index) => index !== undefined).map(Number));
}

// --- While blocks move ----------------------------------------------------------------------------

/** Wires of blocks that move are set directly, in each frame of a drag. */
function followMoves(layer: { current: HTMLDivElement | null }): () => void {
  let before = new Set<string>();
  return moving.subscribe(() => {
    const { document } = store.get();
    if (!document || !layer.current) return;
    const moved = new Set(moving.get()?.keys() ?? []);
    const touched = new Set([...before, ...moved]);
    before = moved;
    const blocks = new Map<string, Block>(document.blocks.map((block) => [block.id, block]));
    const places = placesNow(document);
    for (const link of connectionsOf(document)) {
      if (!touched.has(link.source) && !touched.has(link.target)) continue;
      const line = lineOf(link, blocks, places);
      if (line) setLine(layer.current, link.id, line);
    }
  });
}

function setLine(layer: HTMLElement, id: string, line: Line): void {
  for (const element of layer.querySelectorAll<HTMLElement | SVGElement>(`[data-link="${CSS.escape(id)}"]`)) {
    if (element instanceof HTMLElement) {
      element.style.transform = pillPlace(line);
      continue;
    }
    const [hit, shown, end] = element.children;
    const path = curve(line);
    hit?.setAttribute("d", path);
    shown?.setAttribute("d", path);
    end?.setAttribute("d", tip(line));
  }
}

// --- Doing ----------------------------------------------------------------------------------------

const linkAt = (event: MouseEvent): string | null =>
  (event.target as Element).closest("[data-link]")?.getAttribute("data-link") ?? null;

function pick(event: MouseEvent): void {
  const connection = linkAt(event);
  if (!connection) return;
  store.select({ connection });
  focusGround();
}

function insert(event: MouseEvent): void {
  const link = linkAt(event);
  if (link && !store.get().readOnly) picking.set({ kind: "add", behind: null, link });
}

/** The ends of the selected wire, to be led elsewhere. */
function Grips({ drawn: { link, line } }: { drawn: Drawn }) {
  const isFixed = useStore((state) => state.readOnly);
  const isMoving = useCell(moving) !== null;
  if (isFixed || isMoving) return null;
  const { source, target } = link;
  const atSource = { side: "source", block: source, agent: link.source_agent ?? null } as const;
  const atTarget = { side: "target", block: target, agent: link.target_agent ?? null } as const;
  return (
    <>
      <circle class="grip nodrag nopan" cx={line.from.x + 6} cy={line.from.y} r="6" onPointerDown={(event) => startWire(event, atTarget, link.id)} />
      <circle class="grip nodrag nopan" cx={line.to.x - 6} cy={line.to.y} r="6" onPointerDown={(event) => startWire(event, atSource, link.id)} />
    </>
  );
}

/** Below the middle of the selected wire: a block into it, and its end. */
function WireTools({ drawn: { link, line } }: { drawn: Drawn }) {
  const isFixed = useStore((state) => state.readOnly);
  const isMoving = useCell(moving) !== null;
  if (isFixed || isMoving) return null;
  const { x, y } = along(line, 0.5);
  const place = `translate(${Math.round(x)}px, ${Math.round(y) + 14}px) translateX(-50%)`;
  return (
    <span class="wire-tools" style={{ transform: place }}>
      <button class="button bare square" type="button" tabIndex={-1} title="Put a block into this connection" aria-label="Put a block into this connection" onClick={() => picking.set({ kind: "add", behind: null, link: link.id })}>
        <Icon name="plus" small />
      </button>
      <button class="button bare square" type="button" tabIndex={-1} title="Remove this connection (Delete)" aria-label="Remove this connection" onClick={removeSelection}>
        <Icon name="trash" small />
      </button>
    </span>
  );
}

function DraftWire() {
  const shown = useCell(draft);
  if (!shown) return null;
  const look = `wire draft${shown.isAgent ? " agent" : ""}${shown.isRefused ? " bad" : ""}`;
  return (
    <g class={look}>
      <path class="line" d={curve(shown.line)} />
      <path class="tip" d={tip(shown.line)} />
    </g>
  );
}
