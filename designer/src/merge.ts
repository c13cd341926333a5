// Brings two people's drafts together, part by part, against the last state both had.

import { connectionsOf, isObject, nameOf, same, type Block, type DesignDocument } from "./document";
import { withValue } from "./edit";
import { documentOf, partsOf, samePart, type PartKey, type Parts } from "./parts";
import { renamesFor, type Renames } from "./renames";

/** One value that both changed. `pointer` leads to it inside its part; an empty one is the part. */
export interface Conflict {
  key: PartKey;
  pointer: string;
  base: unknown;
  mine: unknown;
  theirs: unknown;
}

/** `document` has my side of each conflict. `taken`: the parts that came from them. */
export interface Merged {
  document: DesignDocument;
  conflicts: Conflict[];
  taken: PartKey[];
  /** My parts that have another name now, because both had added one of that name. */
  renames?: Renames;
}

export function merge(base: DesignDocument, before: DesignDocument, theirs: DesignDocument): Merged {
  const renames = renamesFor(base, before, theirs);
  const mine = renames?.document ?? before;
  const parts = { base: partsOf(base), mine: partsOf(mine), theirs: partsOf(theirs) };
  const result: Parts = new Map();
  const conflicts: Conflict[] = [];
  const taken: PartKey[] = [];
  for (const key of new Set([...parts.base.keys(), ...parts.mine.keys(), ...parts.theirs.keys()])) {
    const [before, ours, others] = [parts.base.get(key), parts.mine.get(key), parts.theirs.get(key)];
    const value = mergedPart(key, before, ours, others, conflicts);
    if (value !== undefined) result.set(key, value);
    if (!key.startsWith("order/") && !samePart(key, ours, value)) taken.push(key);
  }
  for (const [key, link] of linksOfKept(parts, result, [mine, theirs])) {
    result.set(key, link);
    if (!parts.mine.has(key)) taken.push(key);
  }
  result.set("order/blocks", mergedOrder("order/blocks", parts));
  result.set("order/links", mergedOrder("order/links", parts));
  return { document: withoutLooseEnds(documentOf(result)), conflicts, taken, ...(renames ? { renames } : {}) };
}

/** A block that one removed and the other edited stays, and so do its connections. */
function linksOfKept(parts: { base: Parts; mine: Parts; theirs: Parts }, result: Parts, sides: DesignDocument[]): [PartKey, unknown][] {
  const isKept = (id: string) => {
    const key = `block/${id}`;
    return parts.base.has(key) && result.has(key) && (!parts.mine.has(key) || !parts.theirs.has(key));
  };
  return sides.flatMap(connectionsOf).flatMap((link): [PartKey, unknown][] => {
    const key = `link/${link.id}`;
    const isLost = !result.has(key) && (isKept(link.source) || isKept(link.target));
    return isLost ? [[key, link]] : [];
  });
}

function mergedPart(key: PartKey, base: unknown, mine: unknown, theirs: unknown, conflicts: Conflict[]): unknown {
  if (samePart(key, mine, theirs) || samePart(key, base, theirs)) return mine;
  if (samePart(key, base, mine)) return theirs;
  // Both changed it. What one removed and the other edited stays: nothing is lost.
  if (mine === undefined) return theirs;
  if (theirs === undefined) return mine;
  if (key.startsWith("place/") || key.startsWith("order/")) return mine;
  return mergedValue(key, "", base, mine, theirs, conflicts);
}

function mergedValue(
  key: PartKey,
  pointer: string,
  base: unknown,
  mine: unknown,
  theirs: unknown,
  conflicts: Conflict[],
): unknown {
  if (same(mine, theirs) || same(base, theirs)) return mine;
  if (same(base, mine)) return theirs;
  if (isObject(mine) && isObject(theirs)) {
    const before = isObject(base) ? base : {};
    const result: Record<string, unknown> = {};
    for (const name of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
      const inner = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const value = mergedValue(key, inner, before[name], mine[name], theirs[name], conflicts);
      if (value !== undefined) result[name] = value;
    }
    return result;
  }
  if (hasIds(mine) && hasIds(theirs)) {
    return mergedRows(key, pointer, hasIds(base) ? base : [], mine, theirs, conflicts);
  }
  conflicts.push({ key, pointer, base, mine, theirs });
  return mine;
}

type Row = { id: string; [key: string]: unknown };

function hasIds(value: unknown): value is Row[] {
  if (!Array.isArray(value) || !value.every((row) => isObject(row) && typeof row.id === "string")) return false;
  return new Set(value.map((row: Row) => row.id)).size === value.length;
}

/** Agents: rows that both have are merged, those that one added or removed are taken from them. */
function mergedRows(key: PartKey, pointer: string, base: Row[], mine: Row[], theirs: Row[], conflicts: Conflict[]): Row[] {
  const before = new Map(base.map((row) => [row.id, row]));
  const others = new Map(theirs.map((row) => [row.id, row]));
  const rows: Row[] = [];
  for (const row of mine) {
    const other = others.get(row.id);
    const earlier = before.get(row.id);
    if (other) {
      // By its place in my list, which is where a choice will be put in.
      const inner = `${pointer}/${rows.length}`;
      rows.push(mergedValue(key, inner, earlier, row, other, conflicts) as Row);
    } else if (!earlier || !same(earlier, row)) rows.push(row);
  }
  const ours = new Set(mine.map((row) => row.id));
  for (const row of theirs) {
    const earlier = before.get(row.id);
    if (!ours.has(row.id) && (!earlier || !same(earlier, row))) rows.push(row);
  }
  return rows;
}

function mergedOrder(key: PartKey, parts: { base: Parts; mine: Parts; theirs: Parts }): string[] {
  const [base, mine, theirs] = [parts.base, parts.mine, parts.theirs].map((side) => side.get(key) as string[]);
  if (same(base, mine)) return theirs as string[];
  return mine as string[];
}

/** Without connections to blocks that are gone. */
function withoutLooseEnds(document: DesignDocument): DesignDocument {
  const ids = new Set(document.blocks.map((block) => block.id));
  const connections = (document.connections ?? []).filter((link) => ids.has(link.source) && ids.has(link.target));
  return connections.length === document.connections?.length ? document : { ...document, connections };
}

/** The document with this value for the conflict. */
export function resolved(document: DesignDocument, conflict: Conflict, value: unknown): DesignDocument {
  const parts = partsOf(document);
  const part = parts.get(conflict.key);
  const changed = conflict.pointer ? withValue(part, conflict.pointer, value) : value;
  if (changed === undefined) parts.delete(conflict.key);
  else parts.set(conflict.key, changed);
  return documentOf(parts);
}

/** A part's name for people: `Letter`, `a connection`, `the input`. */
export function partName(key: PartKey, ...documents: DesignDocument[]): string {
  const [kind, ...rest] = key.split("/");
  const id = rest.join("/");
  if (kind === "block" || kind === "place") {
    const block = documents.map((row) => row.blocks.find((one: Block) => one.id === id)).find(Boolean);
    return block ? nameOf(block) : id;
  }
  if (kind === "link") return "a connection";
  const names: Record<string, string> = {
    name: "the name",
    description: "the description",
    input_schema: "the input",
    output_schema: "the output's schema",
    model: "the model",
    output: "the output",
  };
  return names[id] ?? id;
}

/** "Letter, Billing desk and 2 more", without places. */
export function partNames(keys: PartKey[], ...documents: DesignDocument[]): string {
  const names = [...new Set(keys.filter((key) => !key.startsWith("place/")).map((key) => partName(key, ...documents)))];
  if (names.length <= 2) return names.join(" and ") || "the layout";
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}
