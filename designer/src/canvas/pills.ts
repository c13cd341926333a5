// Where on its wire the pill of a route or condition is: beside blocks and other pills, if there is room.

import type { Connection, Position } from "../document";
import { along, overlap, words, type Box, type Line } from "./geometry";

const HEIGHT = 18;
const MOST_WIDTH = 120;
const CHARACTER = { plain: 6, code: 6.1 };
const MIDDLE = 0.5;
const PARTS = [MIDDLE, 0.58, 0.42, 0.66, 0.34, 0.74, 0.26, 0.82];

export interface PillText {
  text: string;
  isCode: boolean;
  /** All of it, in words. */
  meaning: string;
}

/** What the pill of a connection says, or null if it has none. A condition counts more than a route. */
export function pillText(link: Connection): PillText | null {
  const when = words(link.when);
  const route = words(link.route);
  if (!when && !route) return null;
  const meaning = [route && `Route ${route}`, when && `If ${when}`].filter(Boolean).join(". ");
  return { text: when ? short(when) : route, isCode: Boolean(when), meaning };
}

/** That it is about the input, or what comes in, the wire itself tells. */
const short = (when: string): string => when.replace(/\b(input|incoming)\.(?=\w)/g, "");

export const pillPlace = (line: Line, part: number): string => {
  const { x, y } = along(line, part);
  return `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
};

/** Places pills one after the other. */
export class PillPlacer {
  private readonly pills: Box[] = [];

  constructor(private readonly blocks: Box[]) {}

  place(line: Line, { text, isCode }: PillText): number {
    const width = Math.min(MOST_WIDTH, 16 + text.length * (isCode ? CHARACTER.code : CHARACTER.plain));
    const area = { ...boxAround(line), height: Math.abs(line.to.y - line.from.y) + HEIGHT };
    const near = this.blocks.filter((block) => overlap(block, area, width / 2));
    const at = (part: number) => centered(along(line, part), width);
    const isFree = (part: number) => {
      const box = at(part);
      return !near.some((block) => overlap(block, box, 2)) && !this.pills.some((pill) => overlap(pill, box, 2));
    };
    const part = PARTS.find(isFree) ?? MIDDLE;
    this.pills.push(at(part));
    return part;
  }
}

const boxAround = ({ from, to }: Line) => ({
  x: Math.min(from.x, to.x),
  y: Math.min(from.y, to.y) - HEIGHT / 2,
  width: Math.abs(to.x - from.x),
});

const centered = ({ x, y }: Position, width: number): Box => ({ x: x - width / 2, y: y - HEIGHT / 2, width, height: HEIGHT });
