import assert from "node:assert/strict";
import { test } from "node:test";
import type { DesignDocument } from "../src/document";
import { withEdits, withEvent, withRecord, type ExecutionDetail } from "../src/run-events";
import { store, type PageData, type Run, type State } from "../src/store";
import { wordDifferences } from "../src/panels/Differences";

const document: DesignDocument = {
  blocks: [
    { id: "desk", type: "routing", agents: [{ id: "router" }] },
    { id: "billing", type: "sequential", agents: [{ id: "clerk" }] },
    { id: "other", type: "transform" },
  ],
  connections: [
    { id: "a", source: "desk", target: "billing", route: "money" },
    { id: "b", source: "desk", target: "other" },
  ],
};
store.start({ data: { palette: [{ type: "routing", chooses_routes: true, routes: [] }, { type: "approval", chooses_routes: true, routes: ["approved", "rejected", "timed_out"] }] } as unknown as PageData } as State);

const fresh = (): Run => ({
  id: "1", url: "", status: "queued", isDegraded: false, model: "", only: null, startedAt: 0, milliseconds: null, cost: null,
  tokens: null, blocks: {}, taken: [], notTaken: [], output: null, error: null, document,
});
const play = (...events: [string, Record<string, unknown>][]): Run => events.reduce((run, [name, data]) => withEvent(run, name, data), fresh());

test("text comes in pieces, and a piece at 0 begins anew", () => {
  const delta = (at: number, text: string): [string, Record<string, unknown>] => ["delta", { block_id: "billing", agent_id: "clerk", at, text }];
  assert.equal(play(delta(0, "Dear "), delta(5, "Ana")).blocks.billing?.agents.clerk?.text, "Dear Ana");
  assert.equal(play(delta(0, "Dear "), delta(5, "Ana"), delta(0, "Hello")).blocks.billing?.agents.clerk?.text, "Hello");
});

test("a step's tokens and cost are its block's", () => {
  const step = (key: string, cost: string | null): [string, Record<string, unknown>] => ["step", { key, block_id: "billing", agent_id: "clerk", model: "m", input_tokens: 3, output_tokens: 4, cost_usd: cost, duration_ms: 10, status: "completed", text: "Hi" }];
  const run = play(step("1", "0.5"), step("2", "0.25"), step("2", "0.25"));
  assert.equal(run.blocks.billing?.tokens, 14);
  assert.equal(run.blocks.billing?.cost, "0.75");
  assert.equal(play(step("1", null)).blocks.billing?.cost, null);
});

test("the chosen route is taken, the other is not", () => {
  const run = play(["block", { block_id: "desk", status: "completed", output: { route: "money" } }], ["block", { block_id: "other", status: "skipped" }]);
  assert.deepEqual(run.taken, ["a"]);
  assert.deepEqual(run.notTaken, ["b"]);
});

test("a chosen route with a condition is taken only if its target was reached", () => {
  const connections = [{ id: "a", source: "desk", target: "billing", route: "money", when: "input.urgent" }];
  const chosen: [string, Record<string, unknown>] = ["block", { block_id: "desk", status: "completed", output: { route: "money" } }];
  const start = (): Run => ({ ...fresh(), document: { ...document, connections } });
  const undecided = withEvent(start(), ...chosen);
  assert.deepEqual([undecided.taken, undecided.notTaken], [[], []]);
  assert.deepEqual(withEvent(undecided, "block", { block_id: "billing", status: "skipped" }).notTaken, ["a"]);
  assert.deepEqual(withEvent(undecided, "block", { block_id: "billing", status: "running" }).taken, ["a"]);
});

test("a decision takes the connections of its route, without a route those of an approval", () => {
  const decided: DesignDocument = {
    blocks: [{ id: "release", type: "approval" }, { id: "pay", type: "transform" }, { id: "refuse", type: "transform" }],
    connections: [
      { id: "a", source: "release", target: "pay" },
      { id: "b", source: "release", target: "refuse", route: "rejected" },
    ],
  };
  const after = (decision: string): Run =>
    withEvent({ ...fresh(), document: decided }, "block", { block_id: "release", status: "completed", output: { decision } });
  assert.deepEqual([after("approved").taken, after("approved").notTaken], [["a"], ["b"]]);
  assert.deepEqual([after("rejected").taken, after("rejected").notTaken], [["b"], ["a"]]);
  assert.deepEqual([after("timed_out").taken, after("timed_out").notTaken], [[], ["a", "b"]]);
});

test("what a block says of the wires that lead to it counts", () => {
  const extra = { id: "c", source: "billing", target: "other" };
  const wired: DesignDocument = { ...document, connections: [...(document.connections ?? []), extra] };
  const events: Record<string, unknown>[] = [
    { block_id: "desk", status: "completed", output: "both", taken: null },
    { block_id: "billing", status: "completed", taken: null },
    { block_id: "other", status: "running", taken: ["c"] },
  ];
  const run = events.reduce<Run>((before, data) => withEvent(before, "block", data), { ...fresh(), document: wired });
  assert.deepEqual([run.taken, run.notTaken], [["a", "c"], ["b"]]);
});

test("an edited block is marked, a moved one is not", () => {
  const run = play(["block", { block_id: "billing", status: "completed" }], ["block", { block_id: "other", status: "completed" }]);
  const edited = { ...document, blocks: document.blocks.map((block) => (block.id === "billing" ? { ...block, task: "New" } : { ...block, position: { x: 1, y: 1 } })) };
  const marked = withEdits(run, edited);
  assert.equal(marked.blocks.billing?.isEdited, true);
  assert.equal(marked.blocks.other?.isEdited, false);
  assert.equal(withEdits(marked, document).blocks.billing?.isEdited, false);
});

test("the record has the sums", () => {
  const usage = { input_tokens: 5, output_tokens: 2, cost_usd: 0.5, model_calls: 1 };
  const record = { status: "completed", degraded: true, duration_ms: 7, result_data: "Hi", error: null, usage, blocks: [] } as ExecutionDetail;
  const run = withRecord(fresh(), record);
  assert.deepEqual([run.tokens, run.cost, run.isDegraded, run.output], [7, "0.5", true, "Hi"]);
});

test("differences of texts are whole words", () => {
  const pieces = wordDifferences("Write two sentences.", "Write three short sentences.");
  assert.deepEqual(pieces.filter(([kind]) => kind === "removed"), [["removed", "two"]]);
  assert.equal(pieces.filter(([kind]) => kind !== "removed").map(([, text]) => text).join(""), "Write three short sentences.");
  assert.equal(pieces.filter(([kind]) => kind !== "added").map(([, text]) => text).join(""), "Write two sentences.");
});
