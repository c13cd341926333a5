// Copies parts of a design as text, and pastes them: into the same design, another, or another
// installation.

import { blockOf, connectionsOf, isObject, whyNotDrawn, type Block, type Connection, type DesignDocument } from "./document";
import { placeOf } from "./canvas/geometry";
import { freeId, remove, renameBlock } from "./edit";
import { announce, store } from "./store";

/** The mark of our text: a version, blocks, and the connections among them. */
export interface Fragment {
  orchestra: 1;
  blocks: Block[];
  connections: Connection[];
}

const BESIDE = 32;
/** What was copied last, for browsers that forbid to read the clipboard. */
let copied = "";

export function fragmentOf(document: DesignDocument, ids: string[]): Fragment {
  const wanted = new Set(ids);
  return {
    orchestra: 1,
    blocks: document.blocks.filter((block) => wanted.has(block.id)),
    connections: connectionsOf(document).filter((link) => wanted.has(link.source) && wanted.has(link.target)),
  };
}

/** The fragment in a text, or null if the text is something else. */
export function readFragment(text: string): Fragment | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || value.orchestra !== 1 || whyNotDrawn(value)) return null;
  const { blocks, connections } = value as unknown as Fragment;
  return { orchestra: 1, blocks, connections: connections ?? [] };
}

/** The document with the fragment's blocks beside the originals, and their new ids. */
export function pasted(document: DesignDocument, fragment: Fragment): { document: DesignDocument; ids: string[] } {
  const taken = new Set(document.blocks.map((block) => block.id));
  let part: DesignDocument = { blocks: fragment.blocks, connections: fragment.connections };
  // First to names that nobody has, so that a new id never meets one that is still to be renamed.
  const renames = fragment.blocks.map((block, place) => ({ from: block.id, through: `paste_${place}_`, to: "" }));
  for (const rename of renames) {
    rename.to = freeId(rename.from, taken);
    taken.add(rename.to);
  }
  for (const { from, through } of renames) part = renameBlock(part, from, through);
  for (const { through, to } of renames) part = renameBlock(part, through, to);
  const offset = freeOffset(document, part.blocks);
  const links = new Set(connectionsOf(document).map((link) => link.id));
  const blocks = part.blocks.map((block) => shifted(block, offset));
  const connections = connectionsOf(part).map((link) => {
    const id = freeId(link.id, links);
    links.add(id);
    return { ...link, id };
  });
  return {
    document: {
      ...document,
      blocks: [...document.blocks, ...blocks],
      connections: [...connectionsOf(document), ...connections],
    },
    ids: renames.map(({ to }) => to),
  };
}

/** How far to shift, so that none lies on another: beside the original, or an earlier copy. */
function freeOffset(document: DesignDocument, blocks: Block[]): number {
  const key = (x: number, y: number) => `${x} ${y}`;
  const placesOf = (all: Block[]) => all.map(placeOf).filter((place) => place !== null);
  const taken = new Set(placesOf(document.blocks).map(({ x, y }) => key(x, y)));
  const places = placesOf(blocks);
  let offset = 0;
  while (places.some(({ x, y }) => taken.has(key(x + offset, y + offset)))) offset += BESIDE;
  return offset;
}

/** Without a place it is laid out, as in a design that is opened. */
function shifted(block: Block, offset: number): Block {
  const place = placeOf(block);
  const { position: _, ...rest } = block;
  return place ? { ...block, position: { x: place.x + offset, y: place.y + offset } } : (rest as Block);
}

// --- What keys and menus do -----------------------------------------------------------------------

const count = (ids: string[]) => (ids.length === 1 ? "a block" : `${ids.length} blocks`);

/** Copies the selected blocks; the text that is copied, or null if none is selected. */
export function copySelection(): string | null {
  const { document, selection } = store.get();
  if (!document || !selection.blocks.length) return null;
  copied = JSON.stringify(fragmentOf(document, selection.blocks), null, 2);
  void navigator.clipboard?.writeText(copied).catch(() => undefined);
  announce(`Copied ${count(selection.blocks)}.`);
  return copied;
}

export function cutSelection(): string | null {
  const { selection, readOnly } = store.get();
  const text = readOnly ? null : copySelection();
  if (text === null) return null;
  const ids = selection.blocks;
  store.change(`Cut ${count(ids)}`, (document) => remove(document, ids));
  return text;
}

export function duplicateSelection(): void {
  const { document, selection } = store.get();
  if (document && selection.blocks.length) insert(fragmentOf(document, selection.blocks), "Duplicate");
}

/** Pastes a text from the clipboard; without one, what was copied here last. */
export function pasteText(text: string = copied): void {
  const { readOnly } = store.get();
  if (readOnly || !text.trim()) return;
  const fragment = readFragment(text);
  if (fragment) return insert(fragment, "Paste");
  // A whole design, in any layout: what it would become is shown first.
  if (text.trimStart().startsWith("{") || text.trimStart().startsWith("[")) {
    store.set({ dialog: { name: "import", about: text } });
  }
}

function insert(fragment: Fragment, verb: string): void {
  let ids: string[] = [];
  store.change(`${verb} ${count(fragment.blocks.map((block) => block.id))}`, (document) => {
    const result = pasted(document, fragment);
    ids = result.ids;
    return result.document;
  });
  store.select({ blocks: ids });
  const first = blockOf(store.get().document ?? { blocks: [] }, ids[0] ?? null);
  store.set({ focus: first?.id ?? null });
  announce(`${verb === "Paste" ? "Pasted" : "Duplicated"} ${count(ids)}.`);
}
