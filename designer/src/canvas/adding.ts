// Adds blocks and connections, wherever the wish for them comes from: palette, list, drag or key.

import { agentsOf, blockOf, connectionsOf, type Block, type DesignDocument, type Position } from "../document";
import { ALREADY, addBlock, changeLink, connect, hasEnds, insertOnWire, isConnected, remove, whyNotConnected, type Ends } from "../edit";
import { announce, paletteEntry, store, type PaletteEntry } from "../store";
import { WIDTH, along, behind, freePlace, heightOf, lineOf, snapped, words } from "./geometry";
import { focusBlock } from "./focus";
import { boxesOf, placesOf } from "./places";
import { seen, type WireEnd } from "./view";
import { labelOf } from "./walking";

export interface AddOptions {
  /** The new block comes behind this one. Without it: behind the selected one, if one is selected. */
  behind?: string | null;
  /** Connected with the block it comes behind. */
  isConnected?: boolean;
  /** The new block goes into this connection. */
  link?: string;
  /** The wire that is already held by its other end. */
  from?: WireEnd;
}

/** What is dragged from the palette to the canvas. */
export const BLOCK_TYPE = "application/x-orchestra-block";

/** `a debate block`. */
const aBlock = (entry: PaletteEntry): string => {
  const label = entry.label.toLowerCase();
  return `${/^[aeiou]/.test(label) ? "an" : "a"} ${label} block`;
};

/** Adds a block at a free place: where it is asked for, behind another, or in the middle of the view. */
export function addBlockAt(type: string, position?: Position, options: AddOptions = {}): string | null {
  const { document, readOnly, selection } = store.get();
  const entry = paletteEntry(type);
  if (!entry || !document || readOnly) return null;
  const selected = selection.blocks.length === 1 ? (selection.blocks[0] as string) : null;
  const before = blockOf(document, options.behind === undefined ? selected : options.behind);
  const place = position ? snapped(position) : placeFor(document, entry, before, options.link);
  let id = "";
  store.change(`Add ${aBlock(entry)}`, (now) => {
    const added = options.link ? insertOnWire(now, options.link, entry, place) : addBlock(now, entry, place);
    id = added.id;
    const ends = endsOfNew(id, options, before);
    return ends && !whyNotConnected(added.document, ends) ? connect(added.document, ends).document : added.document;
  });
  if (!id) return null;
  store.select({ blocks: [id] });
  focusBlock(id);
  const where = before && options.isConnected ? `, connected with ${labelOf(before)}` : "";
  announce(`Added ${aBlock(entry)}${where}.`);
  return id;
}

function endsOfNew(id: string, options: AddOptions, before: Block | undefined): Ends | null {
  if (options.from) return endsBetween(options.from, { block: id, agent: null });
  return before && options.isConnected && !options.link ? { source: before.id, target: id } : null;
}

function placeFor(document: DesignDocument, entry: PaletteEntry, before: Block | undefined, link?: string): Position {
  const height = heightOf({ id: "", type: entry.type, agents: entry.agents });
  const middle = link ? middleOf(document, link) : null;
  if (middle) return freePlace({ x: middle.x - WIDTH / 2, y: middle.y + 24 }, height, boxesOf(document));
  const from = before && placesOf(document).get(before.id);
  if (from) return freePlace(behind(from), height, boxesOf(document));
  const view = seen();
  const wanted = { x: view.x + view.width / 2 - WIDTH / 2, y: view.y + view.height / 2 - height / 2 };
  return freePlace(wanted, height, boxesOf(document));
}

export function middleOf(document: DesignDocument, linkId: string): Position | null {
  const link = connectionsOf(document).find(({ id }) => id === linkId);
  const blocks = new Map(document.blocks.map((block) => [block.id, block]));
  const line = link && lineOf(link, blocks, placesOf(document));
  return line ? along(line, 0.5) : null;
}

// --- Connections ----------------------------------------------------------------------------------

export interface PortEnd {
  block: string;
  agent: string | null;
}

/** The ends of a wire that is held at one side and put to the other. */
export function endsBetween(held: WireEnd, other: PortEnd): Ends {
  const [source, target] = held.side === "source" ? [held, other] : [other, held];
  return { source: source.block, target: target.block, source_agent: source.agent, target_agent: target.agent };
}

/** Connects, or says why not; an existing connection gets these ends. */
export function connectEnds(ends: Ends, linkId: string | null = null): boolean {
  const { document, readOnly } = store.get();
  if (!document || readOnly) return false;
  const old = connectionsOf(document).find(({ id }) => id === linkId);
  if (old && hasEnds(old, ends)) return true;
  const reason = whyNotConnected(linkId ? remove(document, [], [linkId]) : document, ends);
  const [source, target] = [ends.source, ends.target].map((id) => nameIn(document, id));
  if (reason) {
    store.tell(reason);
    return false;
  }
  let id = linkId;
  store.change(linkId ? "Move a connection" : `Connect ${source} with ${target}`, (now) => {
    if (linkId) return changeLink(now, linkId, (link) => ({ ...link, ...ends }));
    const connected = connect(now, ends);
    id = connected.id;
    return connected.document;
  });
  store.select({ connection: id });
  announce(`Connected ${source} with ${target}.`);
  return true;
}

function nameIn(document: DesignDocument, id: string): string {
  const block = blockOf(document, id);
  return block ? labelOf(block) : id;
}

export interface Target extends PortEnd {
  label: string;
  hint: string;
  /** Why it cannot be connected. */
  reason: string | null;
}

/** Every block that a wire could lead to, with its agents; those that it cannot come last. */
export function targetsFor(document: DesignDocument, held: WireEnd): Target[] {
  const targets: Target[] = [];
  for (const block of document.blocks) {
    if (block.id === held.block) continue;
    const reason = whyNotConnected(document, endsBetween(held, { block: block.id, agent: null }));
    const kind = paletteEntry(block.type)?.label ?? block.type;
    targets.push({ block: block.id, agent: null, label: labelOf(block), hint: kind, reason });
    if (reason && reason !== ALREADY) continue;
    for (const agent of agentsOf(block)) {
      const ends = endsBetween(held, { block: block.id, agent: agent.id });
      const why = isConnected(document, ends) ? ALREADY : null;
      targets.push({ block: block.id, agent: agent.id, label: words(agent.name) || agent.id, hint: `Agent of ${labelOf(block)}`, reason: why });
    }
  }
  return [...targets.filter(({ reason }) => !reason), ...targets.filter(({ reason }) => reason)];
}
