// Leads wires that would run behind blocks along a free lane above or below them.

import { along, overlap, type Box, type Lane, type Line } from "./geometry";

/** With more wires there is no free lane left, and looking for one takes too long. */
export const MOST_WIRES = 400;
/** How far a wire goes before it turns into its lane: half of the room between columns. */
const TURN = 84;
const SAMPLES = 16;
const NEAR = 4;
/** Lanes above and below a block; between two rows of blocks there are three. */
const OFFSETS = [16, 10, 22];
const FARTHEST = 240;
const APART = 5;

export class Lanes {
  private readonly taken: { lane: Lane }[] = [];

  constructor(private readonly blocks: Box[]) {}

  /** The line, with a lane if the straight way is behind a block and there is a free one. */
  led(line: Line): Line {
    const lane = line.bow ? null : this.laneFor(line);
    if (!lane) return line;
    this.taken.push({ lane });
    return { ...line, lane };
  }

  private laneFor(line: Line): Lane | null {
    const left = line.from.x + TURN;
    const right = line.to.x - TURN;
    if (right <= left) return null;
    const between = this.blocks.filter((block) => block.x < line.to.x - 1 && block.x + block.width > line.from.x + 1);
    if (!isHidden(line, between)) return null;
    const least = Math.min(line.from.y, line.to.y) - FARTHEST;
    const most = Math.max(line.from.y, line.to.y) + FARTHEST;
    let best: Lane | null = null;
    let length = Infinity;
    for (const y of heights(between)) {
      const detour = Math.abs(y - line.from.y) + Math.abs(y - line.to.y);
      if (y < least || y > most || detour >= length) continue;
      const lane = { y, left, right };
      if (!this.isFree(lane, between)) continue;
      best = lane;
      length = detour;
    }
    return best;
  }

  private isFree({ y, left, right }: Lane, between: Box[]): boolean {
    const box = { x: left, y: y - NEAR, width: right - left, height: 2 * NEAR };
    const isTaken = this.taken.some(
      ({ lane }) => Math.abs(lane.y - y) < APART && lane.left < right && left < lane.right,
    );
    return !isTaken && !between.some((block) => overlap(block, box));
  }
}

function isHidden(line: Line, blocks: Box[]): boolean {
  for (let step = 1; step < SAMPLES; step += 1) {
    const { x, y } = along(line, step / SAMPLES);
    const point = { x, y, width: 0, height: 0 };
    if (blocks.some((block) => overlap(block, point, NEAR))) return true;
  }
  return false;
}

function* heights(blocks: Box[]): Generator<number> {
  for (const { y, height } of blocks) {
    for (const offset of OFFSETS) {
      yield y - offset;
      yield y + height + offset;
    }
  }
}
