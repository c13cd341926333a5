// The lines of all wires: beside one another, and around blocks. Kept until something moves.

import { agentsOf, connectionsOf, type Connection, type DesignDocument } from "../document";
import { WIDTH, heightOf, lineOf, type Line, type Places } from "./geometry";
import { Lanes, MOST_WIRES } from "./lanes";

let known: { shape: string; lines: Map<string, Line> } | null = null;

export function linesOf(document: DesignDocument, places: Places): Map<string, Line> {
  const shape = shapeOf(document, places);
  if (known?.shape === shape) return known.lines;
  const blocks = new Map(document.blocks.map((block) => [block.id, block]));
  const boxes = document.blocks.map((block) => ({ ...places.get(block.id)!, width: WIDTH, height: heightOf(block) }));
  const links = connectionsOf(document);
  const bows = new Bows();
  const lanes = links.length <= MOST_WIRES ? new Lanes(boxes) : null;
  const lines = new Map<string, Line>();
  for (const link of links) {
    const straight = lineOf(link, blocks, places);
    if (!straight) continue;
    const line = bows.bent(straight, link);
    lines.set(link.id, lanes?.led(line) ?? line);
  }
  known = { shape, lines };
  return lines;
}

/** All that lines depend on, as a text. */
function shapeOf(document: DesignDocument, places: Places): string {
  const blocks = document.blocks.map((block) => {
    const place = places.get(block.id)!;
    return [block.id, place.x, place.y, ...agentsOf(block).map(({ id }) => id)];
  });
  const links = connectionsOf(document).map((link) => [link.id, link.source, link.source_agent, link.target, link.target_agent]);
  return JSON.stringify([blocks, links]);
}

const BOW = 36;

/** Wires with the same ends swing out to one side and the other. */
class Bows {
  private readonly counts = new Map<string, number>();

  bent(line: Line, { source, source_agent, target, target_agent }: Connection): Line {
    const ends = JSON.stringify([source, source_agent, target, target_agent]);
    const count = this.counts.get(ends) ?? 0;
    this.counts.set(ends, count + 1);
    return count ? { ...line, bow: BOW * Math.ceil(count / 2) * (count % 2 ? 1 : -1) } : line;
  }
}
