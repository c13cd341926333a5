// Which block the keyboard is on. The canvas is one stop of Tab; inside, the focus roves.

import { blockOf } from "../document";
import { store } from "../store";
import { WIDTH, heightOf } from "./geometry";
import { placesOf } from "./places";
import { canvasElement, reveal } from "./view";
import { firstBlock } from "./walking";

/** A new block is drawn some frames later. */
const MOST_FRAMES = 20;

const nodeOf = (id: string): HTMLElement | null =>
  canvasElement()?.querySelector(`.react-flow__node[data-id="${CSS.escape(id)}"]`) ?? null;

/** Puts the focus on a block and, unless it was pointed at, moves it into view. */
export function focusBlock(id: string, reveals = true): void {
  const { document } = store.get();
  const block = document && blockOf(document, id);
  if (!document || !block) return;
  store.set({ focus: id });
  const place = placesOf(document).get(id);
  if (place && reveals) reveal({ ...place, width: WIDTH, height: heightOf(block) });
  focusNode(id, MOST_FRAMES);
}

function focusNode(id: string, frames: number): void {
  const node = nodeOf(id);
  if (node) node.focus({ preventScroll: true });
  else if (frames > 0) requestAnimationFrame(() => focusNode(id, frames - 1));
}

/** The block that commands of the keyboard are about. */
export function focusedBlock(): string | null {
  const { document, focus, selection } = store.get();
  if (!document) return null;
  if (blockOf(document, focus)) return focus;
  return selection.blocks.find((id) => blockOf(document, id)) ?? firstBlock(document);
}

/** Comes back to the canvas: to the block that had the focus. */
export function focusCanvas(): void {
  const id = focusedBlock();
  if (id) focusBlock(id);
  else focusGround();
}

/** The canvas has the focus, but none of its blocks: something else in it was pressed. */
export const focusGround = (): void =>
  canvasElement()?.querySelector<HTMLElement>(".react-flow")?.focus({ preventScroll: true });
