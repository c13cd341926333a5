// Draws a wire by hand: from a port to a block, to one of its agents, or to an empty spot.

import { agentsOf, blockOf, type DesignDocument, type Position } from "../document";
import { remove, whyNotConnected } from "../edit";
import { store } from "../store";
import { connectEnds, endsBetween, type PortEnd } from "./adding";
import { Cell } from "./cell";
import { HEAD, MAX_ROWS, ROW, WIDTH, heightOf, portOf, type Line } from "./geometry";
import { placesOf } from "./places";
import { canvasElement, panBy, picking, toCanvas, type WireEnd } from "./view";

export interface Draft {
  line: Line;
  isAgent: boolean;
  isRefused: boolean;
}

/** The wire that is being drawn. */
export const draft = new Cell<Draft | null>(null);

/** A press that moves less than this is a click, which opens the list of targets. */
const CLICK = 4;
/** Ports reach this far beyond their block. */
const REACH = 16;
const EDGE = 32;

export function portPosition(document: DesignDocument, end: WireEnd): Position | null {
  const block = blockOf(document, end.block);
  const place = placesOf(document).get(end.block);
  if (!block || !place) return null;
  return { x: place.x + (end.side === "source" ? WIDTH : 0), y: place.y + portOf(block, end.agent) };
}

/** The block, and from an agent's port the agent, at a point of the canvas. */
export function targetAt(document: DesignDocument, point: Position, held: WireEnd): PortEnd | null {
  const places = placesOf(document);
  for (const block of document.blocks.toReversed()) {
    const place = places.get(block.id);
    if (!place || block.id === held.block) continue;
    const x = point.x - place.x;
    const y = point.y - place.y;
    if (x < -REACH || x > WIDTH + REACH || y < 0 || y > heightOf(block)) continue;
    const row = Math.floor((y - HEAD) / ROW);
    const agent = row >= 0 && row < MAX_ROWS ? agentsOf(block)[row] : undefined;
    const isAtPort = held.side === "source" ? x < REACH : x > WIDTH - REACH;
    return { block: block.id, agent: agent && (held.agent || isAtPort) ? agent.id : null };
  }
  return null;
}

/** Begins at a pressed port, or at the grip of a wire that is to lead elsewhere. */
export function startWire(event: PointerEvent, held: WireEnd, link: string | null = null): void {
  const { document, readOnly } = store.get();
  if (!document || readOnly || event.button !== 0) return;
  event.preventDefault();
  event.stopPropagation();
  new Wiring(event, held, link);
}

class Wiring {
  private readonly start: Position;
  private pointer: Position;
  private target: PortEnd | null = null;
  private hasMoved = false;
  private frame = 0;

  constructor(event: PointerEvent, private readonly held: WireEnd, private readonly link: string | null) {
    this.start = this.pointer = { x: event.clientX, y: event.clientY };
    addEventListener("pointermove", this.move);
    addEventListener("pointerup", this.drop);
    addEventListener("pointercancel", this.end);
    addEventListener("keydown", this.key, true);
  }

  private readonly move = (event: PointerEvent): void => {
    this.pointer = { x: event.clientX, y: event.clientY };
    this.hasMoved ||= Math.hypot(this.pointer.x - this.start.x, this.pointer.y - this.start.y) > CLICK;
    if (!this.hasMoved) return;
    canvasElement()?.setAttribute("data-wiring", "");
    this.frame ||= requestAnimationFrame(this.draw);
  };

  private readonly draw = (): void => {
    this.frame = 0;
    const { document } = store.get();
    const from = document && portPosition(document, this.held);
    if (!document || !from) return this.end();
    if (this.pan()) this.frame = requestAnimationFrame(this.draw);
    const point = toCanvas(this.pointer);
    this.target = targetAt(document, point, this.held);
    const reason = this.target && this.whyNot(document, this.target);
    mark(this.target?.block ?? null, reason === null);
    const to = (this.target && portPosition(document, { ...this.target, side: this.held.side === "source" ? "target" : "source" })) ?? point;
    const line = this.held.side === "source" ? { from, to } : { from: to, to: from };
    draft.set({ line, isAgent: Boolean(this.held.agent), isRefused: Boolean(reason) });
  };

  private whyNot(document: DesignDocument, target: PortEnd): string | null {
    const without = this.link ? remove(document, [], [this.link]) : document;
    return whyNotConnected(without, endsBetween(this.held, target));
  }

  /** Near an edge, the canvas comes along. */
  private pan(): boolean {
    const box = canvasElement()?.getBoundingClientRect();
    if (!box) return false;
    const pull = (at: number, least: number, most: number) => (at < least + EDGE ? 10 : at > most - EDGE ? -10 : 0);
    const x = pull(this.pointer.x, box.left, box.right);
    const y = pull(this.pointer.y, box.top, box.bottom);
    if (x || y) panBy(x, y);
    return Boolean(x || y);
  }

  private readonly drop = (event: PointerEvent): void => {
    const { target, held, link, hasMoved } = this;
    this.end();
    if (!hasMoved) {
      if (!link) picking.set({ kind: "connect", from: held });
    } else if (target) {
      connectEnds(endsBetween(held, target), link);
    } else if (!link && canvasElement()?.contains(document.elementFromPoint(event.clientX, event.clientY))) {
      const { x, y } = toCanvas({ x: event.clientX, y: event.clientY });
      const at = held.side === "source" ? { x, y: y - HEAD / 2 } : { x: x - WIDTH, y: y - HEAD / 2 };
      picking.set({ kind: "add", behind: null, at, from: held });
    }
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.end();
  };

  private readonly end = (): void => {
    cancelAnimationFrame(this.frame);
    removeEventListener("pointermove", this.move);
    removeEventListener("pointerup", this.drop);
    removeEventListener("pointercancel", this.end);
    removeEventListener("keydown", this.key, true);
    canvasElement()?.removeAttribute("data-wiring");
    mark(null, false);
    draft.set(null);
  };
}

/** Shows which block the wire would lead to, and whether it may. */
function mark(id: string | null, isAllowed: boolean): void {
  const root = canvasElement();
  const marked = root?.querySelector("[data-aim]");
  const node = id === null ? null : root?.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`);
  if (marked && marked !== node) marked.removeAttribute("data-aim");
  node?.setAttribute("data-aim", isAllowed ? "yes" : "no");
}
