// Where blocks, ports and wires are: the same measures as the server's pictures.

import { agentsOf, connectionsOf, isObject, runOrder, type Block, type Connection, type DesignDocument, type Position } from "../document";

export const GRID = 16;
export const WIDTH = 196;
export const HEAD = 56;
export const ROW = 28;
export const FOOT = 24;
export const MAX_ROWS = 6;
/** Wires leave and arrive this far below the top of a block. */
export const PORT = 28;
/** Between columns there is room for a pill on a wire. */
const COLUMN_GAP = 108;
const ROW_GAP = 32;
const FARTHEST = 1_000_000;

export interface Box extends Position {
  width: number;
  height: number;
}

export type Places = ReadonlyMap<string, Position>;

/** Text of a draft, which may hold any JSON value. */
export const words = (value: unknown): string => (typeof value === "string" ? value : "");

export const rowsOf = (block: Block): number => Math.min(agentsOf(block).length, MAX_ROWS + 1);

export const heightOf = (block: Block, hasFoot = false): number =>
  HEAD + ROW * rowsOf(block) + (hasFoot ? FOOT : 0);

/** The saved place of a block, or null if it has none that can be drawn. */
export function placeOf(block: Block): Position | null {
  const { position } = block;
  if (!isObject(position)) return null;
  const x = position.x ?? 0;
  const y = position.y ?? 0;
  const isPlace = [x, y].every((value) => typeof value === "number" && Math.abs(value) <= FARTHEST);
  return isPlace ? { x: x as number, y: y as number } : null;
}

export const snapped = ({ x, y }: Position): Position => ({
  x: Math.round(x / GRID) * GRID,
  y: Math.round(y / GRID) * GRID,
});

/** How far below the top of a block the wires of it, or of one of its agents, are. */
export function portOf(block: Block, agent: string | null | undefined): number {
  if (!agent) return PORT;
  const row = agentsOf(block).findIndex(({ id }) => id === agent);
  return row < 0 ? PORT : HEAD + ROW * (Math.min(row, MAX_ROWS) + 0.5);
}

// --- Wires ----------------------------------------------------------------------------------------

export interface Line {
  from: Position;
  to: Position;
  /** How far it swings out, beside another wire with the same ends. */
  bow?: number;
  lane?: Lane;
}

/** A level way between blocks. */
export interface Lane {
  y: number;
  left: number;
  right: number;
}

const TIP = 6;
const short = (value: number) => Math.round(value * 10) / 10;

/** How far the curve goes straight on before it turns: more, if it has to come back. */
function reach(from: Position, to: Position): number {
  const way = to.x - from.x;
  return way >= 0 ? Math.max(way / 2, Math.min(24, Math.abs(to.y - from.y) / 2)) : Math.min(160, 40 - way / 3);
}

type Curve = [Position, Position, Position, Position];

function bent(from: Position, to: Position, bow = 0): Curve {
  const bend = reach(from, to);
  return [from, { x: from.x + bend, y: from.y + bow }, { x: to.x - bend, y: to.y + bow }, to];
}

/** One curve, or two with a level way between them. */
function curvesOf({ from, to, bow, lane }: Line): Curve[] {
  const end = { x: to.x - TIP + 1, y: to.y };
  if (!lane) return [bent(from, end, bow)];
  return [bent(from, { x: lane.left, y: lane.y }), bent({ x: lane.right, y: lane.y }, end)];
}

export function curve(line: Line): string {
  return curvesOf(line)
    .map(([start, ...points], place) => {
      const to = points.map(({ x, y }) => `${short(x)} ${short(y)}`).join(" ");
      return `${place ? "L" : "M"}${short(start.x)} ${short(start.y)}C${to}`;
    })
    .join("");
}

export const tip = ({ to }: Line): string => `M${short(to.x - TIP)} ${short(to.y - 3.6)}l6 3.6-6 3.6z`;

/** A point of the wire; `part` from 0 to 1. */
export function along(line: Line, part: number): Position {
  const [first, second] = curvesOf(line) as [Curve, Curve?];
  if (!second) return pointOf(first, part);
  if (part < 1 / 3) return pointOf(first, part * 3);
  if (part > 2 / 3) return pointOf(second, part * 3 - 2);
  const between = part * 3 - 1;
  return { x: first[3].x + (second[0].x - first[3].x) * between, y: first[3].y };
}

function pointOf(points: Curve, part: number): Position {
  const left = 1 - part;
  const weights = [left ** 3, 3 * left ** 2 * part, 3 * left * part ** 2, part ** 3];
  const blend = (key: "x" | "y") => points.reduce((sum, point, place) => sum + point[key] * weights[place]!, 0);
  return { x: blend("x"), y: blend("y") };
}

/** The points of the curve that are clear of the ports at its ends. */
export function gripsOf(line: Line, clear = 22): [Position, Position] {
  const parts = Array.from({ length: 25 }, (_, step) => step / 50);
  const isClear = (point: Position, end: Position) => Math.hypot(point.x - end.x, point.y - end.y) >= clear;
  const first = parts.find((part) => isClear(along(line, part), line.from)) ?? 0.4;
  const last = parts.find((part) => isClear(along(line, 1 - part), line.to)) ?? 0.4;
  return [along(line, first), along(line, 1 - last)];
}

/** The ends of a connection's wire, or null if one of its blocks is missing. */
export function lineOf(link: Connection, blocks: ReadonlyMap<string, Block>, places: Places): Line | null {
  const source = blocks.get(link.source);
  const target = blocks.get(link.target);
  const start = places.get(link.source);
  const end = places.get(link.target);
  if (!source || !target || !start || !end) return null;
  return {
    from: { x: start.x + WIDTH, y: start.y + portOf(source, link.source_agent) },
    to: { x: end.x, y: end.y + portOf(target, link.target_agent) },
  };
}

// --- Places ---------------------------------------------------------------------------------------

export function boundsOf(boxes: Iterable<Box>): Box | null {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const { x, y, width, height } of boxes) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x + width);
    bottom = Math.max(bottom, y + height);
  }
  return left > right ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

export const overlap = (one: Box, other: Box, gap = 0): boolean =>
  one.x < other.x + other.width + gap &&
  other.x < one.x + one.width + gap &&
  one.y < other.y + other.height + gap &&
  other.y < one.y + one.height + gap;

/** The first free place at the wanted one or below it. */
export function freePlace(wanted: Position, height: number, taken: Box[]): Position {
  const place = snapped(wanted);
  for (let tries = 0; tries < 1_000; tries += 1) {
    const box = { ...place, width: WIDTH, height };
    const hit = taken.find((other) => overlap(box, other, GRID));
    if (!hit) return place;
    place.y = Math.ceil((hit.y + hit.height + ROW_GAP) / GRID) * GRID;
  }
  return place;
}

export const behind = ({ x, y }: Position): Position => ({ x: x + WIDTH + COLUMN_GAP, y });

/** Columns from left to right, each block behind all that lead to it: until the server has placed them. */
export function inColumns(document: DesignDocument): Map<string, Position> {
  const depths = new Map(document.blocks.map(({ id }) => [id, 0]));
  const leaving = new Map<string, string[]>();
  for (const { source, target } of connectionsOf(document)) {
    leaving.set(source, [...(leaving.get(source) ?? []), target]);
  }
  const seen = new Set<string>();
  for (const id of runOrder(document)) {
    seen.add(id);
    for (const target of leaving.get(id) ?? []) {
      if (!seen.has(target)) depths.set(target, Math.max(depths.get(target) ?? 0, (depths.get(id) ?? 0) + 1));
    }
  }
  const bottoms = new Map<number, number>();
  const places = new Map<string, Position>();
  for (const block of document.blocks) {
    const depth = depths.get(block.id) ?? 0;
    const y = bottoms.get(depth) ?? 0;
    places.set(block.id, { x: depth * (WIDTH + COLUMN_GAP), y });
    bottoms.set(depth, Math.ceil((y + heightOf(block) + ROW_GAP) / GRID) * GRID);
  }
  return places;
}
