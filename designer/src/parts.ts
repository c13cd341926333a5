// A document taken apart: blocks, their places, connections, top-level keys and both orders.
// Undo and merging compare and set parts, so that changes to different parts never collide.

import { connectionsOf, same, type Block, type Connection, type DesignDocument } from "./document";

/** `block/<id>` (without its place), `place/<id>`, `link/<id>`, `top/<key>`, `order/blocks`, `order/links`. */
export type PartKey = string;
export type Parts = Map<PartKey, unknown>;

export function partsOf(document: DesignDocument): Parts {
  const parts: Parts = new Map();
  for (const [key, value] of Object.entries(document)) {
    if (key !== "blocks" && key !== "connections") parts.set(`top/${key}`, value);
  }
  for (const block of document.blocks) {
    parts.set(`block/${block.id}`, block);
    if (block.position !== undefined) parts.set(`place/${block.id}`, block.position);
  }
  for (const link of connectionsOf(document)) parts.set(`link/${link.id}`, link);
  parts.set("order/blocks", document.blocks.map((block) => block.id));
  parts.set("order/links", connectionsOf(document).map((link) => link.id));
  return parts;
}

/** The document of these parts; what an order does not name comes last. */
export function documentOf(parts: Parts): DesignDocument {
  const top: Record<string, unknown> = {};
  const blocks = new Map<string, Block>();
  const links = new Map<string, Connection>();
  for (const [key, value] of parts) {
    const name = key.slice(key.indexOf("/") + 1);
    if (key.startsWith("top/")) top[name] = value;
    else if (key.startsWith("block/")) blocks.set(name, placed(value as Block, parts));
    else if (key.startsWith("link/")) links.set(name, value as Connection);
  }
  return {
    ...top,
    blocks: inOrder(blocks, parts.get("order/blocks")),
    connections: inOrder(links, parts.get("order/links")),
  };
}

function placed(block: Block, parts: Parts): Block {
  const position = parts.get(`place/${block.id}`) as Block["position"];
  if (block.position === position) return block;
  if (position !== undefined) return { ...block, position };
  const { position: _, ...rest } = block;
  return rest as Block;
}

function inOrder<T>(rows: Map<string, T>, order: unknown): T[] {
  const named = (Array.isArray(order) ? order : []).filter((id) => rows.has(id));
  const left = [...rows.keys()].filter((id) => !named.includes(id));
  return [...named, ...left].map((id) => rows.get(id) as T);
}

export function samePart(key: PartKey, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  if (!key.startsWith("block/")) return same(one, other);
  const { position: _one, ...first } = one as Block;
  const { position: _other, ...second } = other as Block;
  return same(first, second);
}

export interface PartChange {
  key: PartKey;
  before: unknown;
  after: unknown;
}

export function differences(before: DesignDocument, after: DesignDocument): PartChange[] {
  const one = partsOf(before);
  const other = partsOf(after);
  const changes: PartChange[] = [];
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    if (!samePart(key, one.get(key), other.get(key))) {
      changes.push({ key, before: one.get(key), after: other.get(key) });
    }
  }
  return changes;
}

/** The document with these parts set; `undefined` removes a part. */
export function withParts(document: DesignDocument, parts: Iterable<[PartKey, unknown]>): DesignDocument {
  const all = partsOf(document);
  for (const [key, value] of parts) {
    if (value === undefined) all.delete(key);
    else all.set(key, value);
  }
  return documentOf(all);
}
