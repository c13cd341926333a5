import assert from "node:assert/strict";
import { test } from "node:test";
import type { DesignDocument } from "../src/document";
import { along, boundsOf, curve, freePlace, heightOf, inColumns, lineOf, placeOf, portOf } from "../src/canvas/geometry";
import { linesOf } from "../src/canvas/lines";
import { PillPlacer, pillText } from "../src/canvas/pills";
import { firstBlock, lastBlock, neighbour, spoken, spokenWire, wiresOf } from "../src/canvas/walking";

const draft = (): DesignDocument => ({
  blocks: [
    { id: "which", type: "routing", label: "Which desk?", agents: [{ id: "r", name: "Router" }], position: { x: 0, y: 100 } },
    { id: "billing", type: "sequential", label: "Billing desk", agents: [{ id: "clerk" }], position: { x: 300, y: 0 } },
    { id: "tech", type: "sequential", position: { x: 300, y: 200 } },
    { id: "letter", type: "transform", label: "Letter", position: { x: 600, y: 100 } },
  ],
  connections: [
    { id: "a", source: "which", target: "billing", route: "billing" },
    { id: "b", source: "which", target: "tech", when: "input.x" },
    { id: "c", source: "billing", source_agent: "clerk", target: "letter" },
  ],
});
const places = () => new Map(draft().blocks.map((block) => [block.id, placeOf(block)!]));

test("arrows go along connections, and up and down to the nearest block", () => {
  assert.equal(neighbour(draft(), "which", "right", places()), "billing");
  assert.equal(neighbour(draft(), "letter", "left", places()), "billing");
  assert.equal(neighbour(draft(), "billing", "down", places()), "tech");
  assert.equal(neighbour(draft(), "tech", "up", places()), "billing");
  assert.equal(neighbour(draft(), "letter", "right", places()), null);
  // Without a connection it is the nearest in that direction.
  assert.equal(neighbour(draft(), "tech", "right", places()), "letter");
});

test("run order has a first and a last block", () => {
  assert.equal(firstBlock(draft()), "which");
  assert.equal(lastBlock(draft()), "letter");
  assert.equal(firstBlock({ blocks: [] }), null);
});

test("a block and a connection are told in a sentence", () => {
  const { blocks, connections } = draft();
  assert.equal(spoken(blocks[1]!, "Sequential", 1, ["Letter"]), "Billing desk, sequential, 1 agent, 1 problem, goes to Letter");
  assert.equal(spoken(blocks[3]!, "Transform", 0, []), "Letter, transform");
  assert.equal(spoken(blocks[0]!, "Routing", 2, ["A", "B"]), "Which desk?, routing, 1 agent, 2 problems, goes to A and B");
  assert.equal(spokenWire(draft(), connections![0]!), "from Which desk? to Billing desk, route billing");
  assert.equal(spokenWire(draft(), connections![2]!), "from clerk of Billing desk to Letter");
  assert.deepEqual(wiresOf(draft(), "billing").map(({ id }) => id), ["c", "a"]);
});

test("a draft may hold any value where a text or a place is meant", () => {
  const odd = { id: "odd", type: "debate", label: { a: 1 } as never, position: "here" as never };
  assert.equal(placeOf(odd), null);
  assert.equal(placeOf({ ...odd, position: { x: 1e9, y: 0 } }), null);
  assert.equal(placeOf({ ...odd, position: { x: Number.NaN, y: 0 } }), null);
  assert.equal(spoken(odd, "Debate", 0, []), "odd, debate");
});

test("wires leave at the right of the head or of the agent's row, and arrive at the left", () => {
  const blocks = new Map(draft().blocks.map((block) => [block.id, block]));
  const [first, , third] = draft().connections!;
  assert.deepEqual(lineOf(first!, blocks, places()), { from: { x: 196, y: 128 }, to: { x: 300, y: 28 } });
  assert.deepEqual(lineOf(third!, blocks, places()), { from: { x: 496, y: 70 }, to: { x: 600, y: 128 } });
  assert.equal(lineOf({ id: "d", source: "gone", target: "letter" }, blocks, places()), null);
  assert.equal(portOf(blocks.get("which")!, "unknown"), 28);
  const line = { from: { x: 0, y: 0 }, to: { x: 100, y: 50 } };
  assert.match(curve(line), /^M0 0C/);
  assert.deepEqual(along(line, 0), { x: 0, y: 0 });
});

test("after six agents one row counts the others", () => {
  const agents = Array.from({ length: 9 }, (_, index) => ({ id: `a${index}` }));
  assert.equal(heightOf({ id: "x", type: "debate", agents }), 56 + 7 * 28);
  assert.equal(portOf({ id: "x", type: "debate", agents }, "a8"), portOf({ id: "x", type: "debate", agents }, "a7"));
});

test("a new block gets a free place on the grid", () => {
  const taken = [{ x: 0, y: 0, width: 196, height: 56 }];
  assert.deepEqual(freePlace({ x: 500, y: 3 }, 56, taken), { x: 496, y: 0 });
  const below = freePlace({ x: 10, y: 10 }, 56, taken);
  assert.equal(below.x, 16);
  assert.ok(below.y >= 56 + 16 && below.y % 16 === 0);
});

test("without the server, columns follow the connections", () => {
  const columns = inColumns(draft());
  assert.ok(columns.get("which")!.x < columns.get("billing")!.x);
  assert.ok(columns.get("billing")!.x < columns.get("letter")!.x);
  assert.notDeepEqual(columns.get("billing"), columns.get("tech"));
  const circle = { blocks: draft().blocks, connections: [{ id: "1", source: "which", target: "tech" }, { id: "2", source: "tech", target: "which" }] };
  assert.equal(inColumns(circle).size, 4);
  assert.equal(boundsOf([]), null);
});

test("a pill says the condition, else the route, and avoids blocks and other pills", () => {
  assert.equal(pillText({ id: "a", source: "b", target: "c" }), null);
  assert.deepEqual(pillText({ id: "a", source: "b", target: "c", route: "billing" }), { text: "billing", isCode: false, meaning: "Route billing" });
  const both = { id: "a", source: "b", target: "c", route: "any", when: "input.priority > `4`" };
  assert.deepEqual(pillText(both), { text: "priority > `4`", isCode: true, meaning: "Route any. If input.priority > `4`" });
  assert.equal(pillText({ id: "a", source: "b", target: "c", route: ["x"] as never }), null);

  const line = { from: { x: 0, y: 0 }, to: { x: 400, y: 0 } };
  const text = { text: "billing", isCode: false, meaning: "" };
  assert.equal(new PillPlacer([]).place(line, text), 0.5);
  assert.notEqual(new PillPlacer([{ x: 190, y: -20, width: 20, height: 40 }]).place(line, text), 0.5);
  // Where there is no room, it stays in the middle.
  assert.equal(new PillPlacer([{ x: -100, y: -100, width: 600, height: 200 }]).place(line, text), 0.5);
  const placer = new PillPlacer([]);
  assert.notEqual(placer.place(line, text), placer.place(line, text));
});

test("a wire that would run behind a block goes around it, and two of the same ends apart", () => {
  const row = (...tops: number[]): DesignDocument => ({
    blocks: tops.map((y, place) => ({ id: `b${place}`, type: "transform", position: { x: 304 * place, y } })),
    connections: [{ id: "far", source: "b0", target: "b2" }, { id: "near", source: "b0", target: "b1" }, { id: "again", source: "b0", target: "b1" }],
  });
  const lines = (document: DesignDocument) => linesOf(document, new Map(document.blocks.map((block) => [block.id, placeOf(block)!])));
  const blocked = lines(row(0, 0, 0));
  const { lane } = blocked.get("far")!;
  assert.ok(lane && (lane.y < 0 || lane.y > 56));
  assert.equal(lines(row(0, 300, 0)).get("far")?.lane, undefined);
  assert.equal(blocked.get("near")?.bow, undefined);
  assert.ok(blocked.get("again")?.bow);
  // The same lines as long as nothing moves.
  assert.equal(lines(row(0, 0, 0)), lines(row(0, 0, 0)));
  // Its middle is on the lane.
  assert.equal(along(blocked.get("far")!, 0.5).y, lane.y);
});
