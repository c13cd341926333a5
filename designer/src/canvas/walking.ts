// Which block the arrows lead to, and what a screen reader is told about a block.

import { agentsOf, blockOf, connectionsOf, runOrder, type Block, type Connection, type DesignDocument } from "../document";
import { WIDTH, words, type Places } from "./geometry";

export type Way = "left" | "right" | "up" | "down";

export const labelOf = (block: Block): string => words(block.label) || block.id;

/** The block where the keyboard starts. */
export const firstBlock = (document: DesignDocument): string | null => runOrder(document)[0] ?? null;
export const lastBlock = (document: DesignDocument): string | null => runOrder(document).at(-1) ?? null;

/** Left and right go along connections, the first in order; up and down to the nearest block. */
export function neighbour(document: DesignDocument, id: string, way: Way, places: Places): string | null {
  if (way === "left" || way === "right") return alongConnection(document, id, way) ?? nearest(document, id, way, places);
  return nearest(document, id, way, places);
}

function alongConnection(document: DesignDocument, id: string, way: "left" | "right"): string | null {
  for (const link of connectionsOf(document)) {
    if (way === "right" && link.source === id && blockOf(document, link.target)) return link.target;
    if (way === "left" && link.target === id && blockOf(document, link.source)) return link.source;
  }
  return null;
}

/** What is off to the side counts double, so that a column is walked before its neighbours. */
function nearest(document: DesignDocument, id: string, way: Way, places: Places): string | null {
  const from = places.get(id);
  if (!from) return null;
  const isSideways = way === "left" || way === "right";
  const sign = way === "right" || way === "down" ? 1 : -1;
  let best: string | null = null;
  let least = Infinity;
  for (const block of document.blocks) {
    const place = places.get(block.id);
    if (!place || block.id === id) continue;
    const [ahead, aside] = isSideways ? [place.x - from.x, place.y - from.y] : [place.y - from.y, place.x - from.x];
    const distance = ahead * sign;
    if (distance <= 0) continue;
    const far = distance + 2 * Math.abs(aside) + (isSideways || Math.abs(aside) < WIDTH ? 0 : WIDTH);
    if (far < least) [best, least] = [block.id, far];
  }
  return best;
}

/** All connections of a block: those that leave it first. */
export function wiresOf(document: DesignDocument, id: string): Connection[] {
  const links = connectionsOf(document);
  return [...links.filter((link) => link.source === id), ...links.filter((link) => link.target === id)];
}

const counted = (count: number, word: string) => `${count} ${count === 1 ? word : `${word}s`}`;

/** `Billing desk, sequential, 1 agent, 1 problem, goes to Letter`. */
export function spoken(block: Block, kind: string, problems: number, targets: string[]): string {
  const agents = agentsOf(block).length;
  const parts = [labelOf(block), kind.toLowerCase()];
  if (agents) parts.push(counted(agents, "agent"));
  if (problems) parts.push(counted(problems, "problem"));
  if (targets.length) parts.push(`goes to ${inWords(targets)}`);
  return parts.join(", ");
}

function inWords(names: string[]): string {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return shown.length === 1 ? (shown[0] as string) : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** `from Which desk? to Letter, route billing`. */
export function spokenWire(document: DesignDocument, link: Connection): string {
  const end = (id: string, agent: string | null | undefined) => {
    const block = blockOf(document, id);
    const row = block && agent ? agentsOf(block).find((one) => one.id === agent) : undefined;
    const name = block ? labelOf(block) : id;
    return row ? `${words(row.name) || row.id} of ${name}` : name;
  };
  const parts = [`from ${end(link.source, link.source_agent)} to ${end(link.target, link.target_agent)}`];
  if (words(link.route)) parts.push(`route ${link.route}`);
  if (words(link.when)) parts.push(`if ${link.when}`);
  return parts.join(", ");
}
