// Connections as curves with their routes and conditions, drawn in one picture below the blocks.

import { ViewportPortal } from "@xyflow/react";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { connectionsOf, type Block, type Connection, type DesignDocument, type Position, type Problem } from "../document";
import { Icon, type IconName } from "../panels/Icon";
import { store, useStore, type Run } from "../store";
import { useCell } from "./cell";
import { removeSelection } from "./commands";
import { focusGround } from "./focus";
import { linesOf } from "./lines";
import { along, curve, gripsOf, lineOf, tip, type Line } from "./geometry";
import { PillPlacer, pillPlace, pillText, type PillText } from "./pills";
import { boxesOf, eye, placesNow, placesOf } from "./places";
import { moving, picking, type WireEnd } from "./view";
import { draft, startWire } from "./wiring";

interface Drawn {
  link: Connection;
  line: Line;
  look: string;
  /** Where on the wire its pill is. */
  part: number;
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
  useEffect(() => followMoves(layer, known), []);
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
          <DraftWire />
        </svg>
        {all.map(({ pill }) => pill)}
        {chosen && <Chosen drawn={chosen} />}
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
  const lines = linesOf(document, placesNow(document));
  const drawn = new Map<string, Drawn>();
  const placer = new PillPlacer(boxesOf(document));
  connectionsOf(document).forEach((link, index) => {
    const line = lines.get(link.id);
    if (!line) return;
    const look = [
      "wire",
      link.source_agent || link.target_agent ? "agent" : "",
      looks.states.get(link.id) ?? "",
      looks.selected === link.id ? "selected" : "",
      looks.bad.has(index) ? "bad" : "",
    ].filter(Boolean).join(" ");
    const old = known.get(link.id);
    const text = pillText(link);
    const part = text ? placer.place(line, text) : 0.5;
    const isSame = old?.link === link && old.look === look && old.part === part && sameLine(old.line, line);
    if (isSame) return drawn.set(link.id, old);
    const pill = text && pillOf(link.id, text, look, pillPlace(line, part));
    drawn.set(link.id, { link, line, look, part, wire: wireOf(link.id, line, look), pill });
  });
  return drawn;
}

const sameLine = (line: Line, other: Line): boolean =>
  samePoint(line.from, other.from) &&
  samePoint(line.to, other.to) &&
  line.bow === other.bow &&
  line.lane?.y === other.lane?.y &&
  line.lane?.left === other.lane?.left &&
  line.lane?.right === other.lane?.right;

const samePoint = (one: Position, other: Position): boolean => one.x === other.x && one.y === other.y;

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

function pillOf(id: string, { text, isCode, meaning }: PillText, look: string, transform: string): JSX.Element {
  const classes = look.replace("wire", isCode ? "pill code" : "pill");
  return (
    <span key={id} class={classes} data-link={id} title={meaning} style={{ transform }} onClick={pick} onDblClick={insert}>
      {text}
    </span>
  );
}

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
function followMoves(layer: { current: HTMLDivElement | null }, known: { current: Map<string, Drawn> }): () => void {
  let before = new Set<string>();
  return moving.subscribe(() => {
    const { document } = store.get();
    if (!document || !layer.current) return;
    const moved = new Set(moving.get()?.keys() ?? []);
    const touched = new Set([...before, ...moved]);
    before = moved;
    const blocks = new Map<string, Block>(document.blocks.map((block) => [block.id, block]));
    const places = placesNow(document);
    for (const element of layer.current.querySelectorAll<HTMLElement | SVGElement>("[data-link]")) {
      const drawn = known.current.get(element.dataset.link ?? "");
      if (!drawn || !(touched.has(drawn.link.source) || touched.has(drawn.link.target))) continue;
      const line = lineOf(drawn.link, blocks, places);
      if (line) setLine(element, { ...line, ...(drawn.line.bow ? { bow: drawn.line.bow } : {}) }, drawn.part);
    }
  });
}

function setLine(element: HTMLElement | SVGElement, line: Line, part: number): void {
  if (element instanceof HTMLElement) {
    element.style.transform = pillPlace(line, part);
    return;
  }
  const [hit, shown, end] = element.children;
  const path = curve(line);
  hit?.setAttribute("d", path);
  shown?.setAttribute("d", path);
  end?.setAttribute("d", tip(line));
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

/** The selected wire is seen over the blocks, with what can be done with it. */
function Chosen({ drawn }: { drawn: Drawn }) {
  const isFixed = useStore((state) => state.readOnly);
  const isMoving = useCell(moving) !== null;
  if (isMoving) return null;
  return (
    <>
      <svg class="over" aria-hidden="true">
        <path d={curve(drawn.line)} />
        {!isFixed && <Grips drawn={drawn} />}
      </svg>
      {!isFixed && <WireTools drawn={drawn} />}
    </>
  );
}

/** The ends of the wire, to be led elsewhere. */
function Grips({ drawn: { link, line } }: { drawn: Drawn }) {
  const { source, target } = link;
  const atSource = { side: "source", block: source, agent: link.source_agent ?? null } as const;
  const atTarget = { side: "target", block: target, agent: link.target_agent ?? null } as const;
  const grip = ({ x, y }: Position, held: WireEnd) => (
    <circle class="grip nodrag nopan" cx={x} cy={y} r="6" onPointerDown={(event) => startWire(event, held, link.id)} />
  );
  const [first, last] = gripsOf(line);
  return (
    <>
      {grip(first, atTarget)}
      {grip(last, atSource)}
    </>
  );
}

/** Below the middle of the wire: a block into it, and its end. */
function WireTools({ drawn: { link, line, part } }: { drawn: Drawn }) {
  const { x, y } = along(line, part);
  const transform = `translate(${Math.round(x)}px, ${Math.round(y) + 14}px) translateX(-50%)`;
  const tool = (icon: IconName, label: string, run: () => void) => (
    <button class="button bare square" type="button" tabIndex={-1} title={label} aria-label={label} onClick={run}>
      <Icon name={icon} small />
    </button>
  );
  return (
    <span class="wire-tools" style={{ transform }}>
      {tool("plus", "Put a block into this connection", () => picking.set({ kind: "add", behind: null, link: link.id }))}
      {tool("trash", "Remove this connection", removeSelection)}
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
