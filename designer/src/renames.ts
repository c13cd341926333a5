// Two people who add at once may give the same id: the later one gets another, in all that names it.

import { connectionsOf, same, type Connection, type DesignDocument } from "./document";
import { freeId, hasEnds, renameBlock } from "./edit";
import type { PartKey } from "./parts";

/** Own ids before and after. `document` is the own one with the new ids. */
export interface Renames {
  document: DesignDocument;
  blocks: Map<string, string>;
  links: Map<string, string>;
}

/** What both have added under one id, unless it is the same; null if there is nothing of the kind. */
export function renamesFor(base: DesignDocument, mine: DesignDocument, theirs: DesignDocument): Renames | null {
  const blocks = new Map<string, string>();
  let document = mine;
  const taken = new Set([base, mine, theirs].flatMap((one) => one.blocks.map(({ id }) => id)));
  for (const id of clashes(base.blocks, mine.blocks, theirs.blocks)) {
    const to = freeId(id, taken);
    taken.add(to);
    blocks.set(id, to);
    document = renameBlock(document, id, to);
  }
  const links = new Map<string, string>();
  const linkIds = new Set([base, document, theirs].flatMap((one) => connectionsOf(one).map(({ id }) => id)));
  const others = new Map(connectionsOf(theirs).map((link) => [link.id, link]));
  for (const id of clashes(connectionsOf(base), connectionsOf(document), connectionsOf(theirs))) {
    // Between the same ends it is one connection, whose fields are merged.
    const [link, other] = [connectionsOf(document).find((row) => row.id === id), others.get(id)];
    if (link && other && hasEnds(link, other)) continue;
    const to = freeId(id, linkIds);
    linkIds.add(to);
    links.set(id, to);
  }
  if (!blocks.size && !links.size) return null;
  const connections = connectionsOf(document).map((link) => withLinkId(link, links));
  return { document: { ...document, connections }, blocks, links };
}

function clashes<T extends { id: string }>(base: T[], mine: T[], theirs: T[]): string[] {
  const before = new Set(base.map(({ id }) => id));
  const others = new Map(theirs.map((row) => [row.id, row]));
  return mine.filter((row) => !before.has(row.id) && others.has(row.id) && !same(row, others.get(row.id))).map(({ id }) => id);
}

const withLinkId = (link: Connection, links: Map<string, string>): Connection =>
  links.has(link.id) ? { ...link, id: links.get(link.id) as string } : link;

/** A part of the history under its new name. */
export function renamedPart(renames: Renames, key: PartKey, value: unknown): { key: PartKey; value: unknown } {
  const [kind = "", ...rest] = key.split("/");
  const names = kind === "link" || key === "order/links" ? renames.links : renames.blocks;
  const id = rest.join("/");
  if (kind === "order") return { key, value: Array.isArray(value) ? value.map((name: string) => names.get(name) ?? name) : value };
  const now = kind === "top" ? key : `${kind}/${names.get(id) ?? id}`;
  if (value === undefined || kind === "place") return { key: now, value };
  // As a small document of its own, in which what names the block is renamed.
  let part = asDocument(kind, id, value, connectionsOf(renames.document));
  for (const [from, to] of renames.blocks) part = renameBlock(part, from, to);
  if (kind === "block") return { key: now, value: part.blocks[0] };
  if (kind === "top") return { key: now, value: part[id] };
  return { key: now, value: withLinkId(connectionsOf(part)[0] as Connection, renames.links) };
}

function asDocument(kind: string, id: string, value: unknown, connections: Connection[]): DesignDocument {
  if (kind === "block") return { blocks: [value], connections } as DesignDocument;
  if (kind === "link") return { blocks: [], connections: [value] } as unknown as DesignDocument;
  return { blocks: [], [id]: value };
}
