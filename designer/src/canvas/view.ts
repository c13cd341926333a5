// The canvas as the person sees it: its viewport, what is being moved, which list is open.

import { getViewportForBounds, type ReactFlowInstance, type Viewport } from "@xyflow/react";
import type { Position } from "../document";
import { boundsOf, type Box } from "./geometry";
import { Cell } from "./cell";

/** A list that is open over the canvas. */
export type Picking =
  | { kind: "add"; behind: string | null; at?: Position; link?: string; from?: WireEnd }
  | { kind: "connect"; from: WireEnd };

/** An end of a wire that stays where it is while the other is being chosen. */
export interface WireEnd {
  side: "source" | "target";
  block: string;
  agent: string | null;
}

export const MIN_ZOOM = 0.25;
export const MAX_ZOOM = 2;
/** Below this, blocks show their tile and label alone. */
export const FAR = 0.45;

export const picking = new Cell<Picking | null>(null);
/** Places of blocks while they are being dragged or are on their way. */
export const moving = new Cell<ReadonlyMap<string, Position> | null>(null);
export const viewport = new Cell<Viewport>({ x: 0, y: 0, zoom: 1 });
/** The canvas in pixels. */
export const size = new Cell({ width: 0, height: 0 });
/** Null: shown from nine blocks on. */
export const showsMap = new Cell<boolean | null>(null);

const narrow = matchMedia("(max-width: 48rem)");
/** On a phone the canvas is looked at; the draft is edited in the outline. */
export const isPhone = new Cell(narrow.matches);
narrow.addEventListener("change", () => isPhone.set(narrow.matches));

let flow: ReactFlowInstance | null = null;
let root: HTMLElement | null = null;

export function attach(instance: ReactFlowInstance): void {
  flow = instance;
}

export function attachRoot(element: HTMLElement | null): void {
  root = element;
}

export const canvasElement = (): HTMLElement | null => root;

const isReduced = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
const smooth = () => ({ duration: isReduced() ? 0 : 200 });
export const movesSmoothly = (): boolean => !isReduced();

const PADDING = { top: "64px", right: "32px", bottom: "72px", left: "32px" } as const;

/** The viewport in which all of this is seen. */
export function fitted(boxes: Iterable<Box>): Viewport {
  const bounds = boundsOf(boxes);
  const { width, height } = size.get();
  if (!bounds || !width || !height) return { x: 0, y: 0, zoom: 1 };
  return getViewportForBounds(bounds, width, height, MIN_ZOOM, 1, PADDING);
}

/** The view that shows everything, as long as nobody has moved it. */
let whole: Viewport | null = null;

export function fit(boxes: Iterable<Box>): void {
  whole = fitted(boxes);
  void flow?.setViewport(whole, smooth());
}

/** Shows everything at once: at first, and again when the canvas gets another size while all is seen. */
export function fitAtOnce(boxes: Iterable<Box>): Viewport {
  whole = fitted(boxes);
  void flow?.setViewport(whole);
  return whole;
}

export function isWhole(): boolean {
  const { x, y, zoom } = viewport.get();
  return whole !== null && Math.abs(x - whole.x) < 1 && Math.abs(y - whole.y) < 1 && Math.abs(zoom - whole.zoom) < 0.001;
}

/** Where a smooth change of the zoom leads, for keys that are pressed meanwhile. */
let goal: { zoom: number; until: number } | null = null;

/** Changes the zoom around the middle of the canvas. */
export function zoomTo(zoom: number): void {
  const { duration } = smooth();
  goal = { zoom, until: performance.now() + duration };
  void flow?.zoomTo(zoom, { duration });
}

const STEPS = [MIN_ZOOM, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, MAX_ZOOM];

export function zoomStep(way: 1 | -1): void {
  const zoom = goal && goal.until > performance.now() ? goal.zoom : viewport.get().zoom;
  const next = way > 0 ? STEPS.find((step) => step > zoom + 0.01) : STEPS.findLast((step) => step < zoom - 0.01);
  if (next) zoomTo(next);
}

export const panTo = ({ x, y }: Position): void => {
  const { zoom } = viewport.get();
  void flow?.setViewport({ x, y, zoom });
};

export function center({ x, y }: Position): void {
  const { zoom } = viewport.get();
  const { width, height } = size.get();
  panTo({ x: width / 2 - x * zoom, y: height / 2 - y * zoom });
}

/** Moves the view only if the box is not in it. */
export function reveal(box: Box): void {
  const { x, y, zoom } = viewport.get();
  const { width, height } = size.get();
  const left = box.x * zoom + x;
  const top = box.y * zoom + y;
  const isSeen =
    left >= 0 && top >= 0 && left + box.width * zoom <= width && top + box.height * zoom <= height - 48;
  if (isSeen) return;
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const view = { x: width / 2 - middle.x * zoom, y: height / 2 - middle.y * zoom, zoom };
  void flow?.setViewport(view, smooth());
}

/** Where a point of the design is in the canvas, in pixels. */
export function toScreen(point: Position): Position {
  const { x, y, zoom } = viewport.get();
  return { x: point.x * zoom + x, y: point.y * zoom + y };
}

export const toCanvas = (point: Position): Position => flow?.screenToFlowPosition(point, { snapToGrid: false }) ?? point;

/** The part of the canvas that is seen. */
export function seen(): Box {
  const { x, y, zoom } = viewport.get();
  const { width, height } = size.get();
  return { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
}

export function panBy(x: number, y: number): void {
  const view = viewport.get();
  void flow?.setViewport({ ...view, x: view.x + x, y: view.y + y });
}
