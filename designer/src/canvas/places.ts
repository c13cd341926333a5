// Where the blocks are: saved places, else places for the eye alone, which are saved with the first change.

import { call } from "../api";
import { connectionsOf, type Block, type DesignDocument, type Position } from "../document";
import { moveBlocks } from "../edit";
import { announce, store } from "../store";
import { Cell } from "./cell";
import { WIDTH, heightOf, inColumns, placeOf, type Box, type Places } from "./geometry";
import { fit, moving, movesSmoothly } from "./view";

/** Places of blocks that have none of their own. */
export const eye = new Cell<Places>(new Map());

let known: { document: DesignDocument; eyes: Places; places: Map<string, Position> } | null = null;

/** The place of every block; the same map as long as nothing changes. */
export function placesOf(document: DesignDocument): Map<string, Position> {
  const eyes = eye.get();
  if (known?.document === document && known.eyes === eyes) return known.places;
  let columns: Map<string, Position> | null = null;
  const places = new Map<string, Position>();
  for (const block of document.blocks) {
    places.set(block.id, savedPlace(block, eyes) ?? eyes.get(block.id) ?? (columns ??= inColumns(document)).get(block.id)!);
  }
  known = { document, eyes, places };
  return places;
}

/** With what is being moved where it is now. */
export function placesNow(document: DesignDocument): Places {
  const moved = moving.get();
  return moved ? new Map([...placesOf(document), ...moved]) : placesOf(document);
}

export function boxesOf(document: DesignDocument): Box[] {
  const places = placesOf(document);
  return document.blocks.map((block) => ({ ...places.get(block.id)!, width: WIDTH, height: heightOf(block) }));
}

/** The spot where all blocks lie on one another because nobody has placed them. */
let heap: Position | null = null;

const isAt = (place: Position | null, spot: Position | null): boolean =>
  place !== null && spot !== null && place.x === spot.x && place.y === spot.y;

function savedPlace(block: Block, eyes: Places): Position | null {
  const place = placeOf(block);
  return eyes.has(block.id) && isAt(place, heap) ? null : place;
}

function areHeaped({ blocks }: DesignDocument): boolean {
  const places = blocks.map(placeOf);
  return places.length > 1 && places.every((place) => isAt(place, places[0] ?? null));
}

const lacking = (document: DesignDocument): Block[] =>
  areHeaped(document) ? document.blocks : document.blocks.filter((block) => !placeOf(block));

async function placedByServer(document: DesignDocument, blocks: Block[]): Promise<Map<string, Position>> {
  const ids = new Set(blocks.map(({ id }) => id));
  const body = {
    blocks: blocks.map((block) => ({ id: block.id, width: WIDTH, height: heightOf(block) })),
    connections: connectionsOf(document)
      .filter(({ source, target }) => ids.has(source) && ids.has(target))
      .map(({ source, target }) => ({ source, target })),
  };
  const url = store.get().data.urls.place ?? "";
  const { body: answer } = await call<{ positions: Record<string, Position> }>(url, { body });
  return new Map(Object.entries(answer.positions));
}

/** Lays out for the eye what has no place: all of it, or below what has one. False if all have one. */
export async function layOut(document: DesignDocument): Promise<boolean> {
  const blocks = lacking(document).filter(({ id }) => !eye.get().has(id));
  if (!blocks.length) return false;
  if (areHeaped(document)) heap = placeOf(document.blocks[0] as Block);
  const found = await placedByServer(document, blocks).catch(() => inColumns({ blocks, connections: connectionsOf(document) }));
  const others = blocks.length === document.blocks.length ? [] : document.blocks.filter((block) => placeOf(block));
  const left = Math.min(0, ...others.map((block) => placeOf(block)!.x));
  const bottom = others.length ? Math.max(...others.map((block) => placeOf(block)!.y + heightOf(block))) + 64 : 0;
  const shifted = [...found].map(([id, { x, y }]) => [id, { x: left + x, y: bottom + y }] as const);
  eye.set(new Map([...eye.get(), ...shifted]));
  return true;
}

/** Watches the draft: what comes without a place gets one for the eye, and a change saves it. */
export function watchPlaces(): () => void {
  return store.onChange((document, _name, isOwn) => {
    const eyes = eye.get();
    const missing = isOwn ? unsaved(document, eyes) : new Map<string, Position>();
    if (missing.size) return store.replace(moveBlocks(document, missing), "Place blocks");
    void layOut(document);
  });
}

/** Places for the eye that the draft does not have yet. */
function unsaved(document: DesignDocument, eyes: Places): Map<string, Position> {
  const found = new Map<string, Position>();
  for (const block of document.blocks) {
    const place = eyes.get(block.id);
    if (place && !savedPlace(block, eyes)) found.set(block.id, place);
  }
  // They are saved now, and would be wrong after the next move.
  if (found.size) forget();
  return found;
}

function forget(): void {
  heap = null;
  eye.set(new Map());
}

// --- Tidy -----------------------------------------------------------------------------------------

const MILLISECONDS = 240;
/** More blocks are not moved smoothly. */
const MOST_SMOOTH = 120;

export async function tidy(): Promise<void> {
  const { document, readOnly } = store.get();
  if (!document?.blocks.length || readOnly) return;
  let places: Map<string, Position>;
  try {
    places = await placedByServer(document, document.blocks);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    return store.tell(`The blocks were not placed. ${reason}`, { isError: true });
  }
  const boxes = document.blocks.map((block) => ({ ...places.get(block.id)!, width: WIDTH, height: heightOf(block) }));
  fit(boxes);
  if (movesSmoothly() && document.blocks.length <= MOST_SMOOTH) await glide(placesOf(document), places);
  store.change("Tidy", (now) => moveBlocks(now, places));
  moving.set(null);
  announce("The blocks are placed in columns.");
}

function glide(from: Places, to: Places): Promise<void> {
  const start = performance.now();
  return new Promise((resolve) => {
    const step = (time: number) => {
      const part = Math.min(1, Math.max(0, (time - start) / MILLISECONDS));
      const eased = 1 - (1 - part) ** 3;
      const between = [...to].map(([id, { x, y }]) => {
        const begin = from.get(id) ?? { x, y };
        return [id, { x: begin.x + (x - begin.x) * eased, y: begin.y + (y - begin.y) * eased }] as const;
      });
      moving.set(new Map(between));
      if (part < 1) requestAnimationFrame(step);
      else resolve();
    };
    requestAnimationFrame(step);
  });
}
