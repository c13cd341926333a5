import assert from "node:assert/strict";
import { test } from "node:test";
import type { DesignDocument } from "../src/document";
import { addAgent, connect, moveBlocks, remove, withValue } from "../src/edit";
import { merge, partNames, resolved } from "../src/merge";

const base = (): DesignDocument => ({
  schema: 1,
  name: "Two",
  blocks: [
    { id: "one", type: "sequential", label: "One", task: "Do it", agents: [{ id: "a", system_prompt: "You are A." }, { id: "b" }], position: { x: 0, y: 0 } },
    { id: "two", type: "transform", label: "Two", settings: { expression: "incoming" } },
  ],
  connections: [{ id: "c", source: "one", target: "two" }],
});

test("changes of different blocks come together", () => {
  const mine = withValue(base(), "/blocks/0/task", "Mine");
  const theirs = withValue(base(), "/blocks/1/settings/expression", "incoming.text");
  const { document, conflicts, taken } = merge(base(), mine, theirs);
  assert.equal(document.blocks[0]?.task, "Mine");
  assert.equal(document.blocks[1]?.settings?.expression, "incoming.text");
  assert.deepEqual(conflicts, []);
  assert.equal(partNames(taken, document), "Two");
});

test("different fields of one block come together, and of its agents", () => {
  const mine = withValue(base(), "/blocks/0/agents/0/system_prompt", "You are a clerk.");
  const theirs = withValue(withValue(base(), "/blocks/0/label", "First"), "/blocks/0/agents/1/role", "worker");
  const { document, conflicts } = merge(base(), mine, theirs);
  assert.deepEqual(conflicts, []);
  assert.equal(document.blocks[0]?.label, "First");
  assert.equal(document.blocks[0]?.agents?.[0]?.system_prompt, "You are a clerk.");
  assert.equal(document.blocks[0]?.agents?.[1]?.role, "worker");
});

test("one text that both changed is a conflict, and either can be chosen", () => {
  const mine = withValue(base(), "/blocks/0/agents/1/system_prompt", "Mine");
  const theirs = withValue(base(), "/blocks/0/agents/1/system_prompt", "Theirs");
  const { document, conflicts } = merge(base(), mine, theirs);
  assert.equal(conflicts.length, 1);
  assert.equal(document.blocks[0]?.agents?.[1]?.system_prompt, "Mine");
  const chosen = resolved(document, conflicts[0]!, conflicts[0]!.theirs);
  assert.equal(chosen.blocks[0]?.agents?.[1]?.system_prompt, "Theirs");
});

test("agents and blocks that both added are all there", () => {
  const mine = addAgent(base(), "one", { id: "mine" }).document;
  const theirs = addAgent(base(), "one", { id: "theirs" }).document;
  const { document } = merge(base(), mine, theirs);
  assert.deepEqual(document.blocks[0]?.agents?.map((agent) => agent.id), ["a", "b", "mine", "theirs"]);
});

test("a block that one removed and the other edited stays", () => {
  const removed = remove(base(), ["two"]);
  const edited = withValue(base(), "/blocks/1/label", "Letter");
  assert.equal(merge(base(), removed, edited).document.blocks.length, 2);
  assert.equal(merge(base(), edited, removed).document.blocks.length, 2);
});

test("a block that one removed takes the other's new connection with it", () => {
  const start = { ...base(), connections: [] };
  const mine = connect(start, { source: "one", target: "two" }).document;
  const { document } = merge(start, mine, remove(start, ["two"]));
  assert.deepEqual(document.connections, []);
});

test("the same block moved by both is no conflict", () => {
  const mine = moveBlocks(base(), new Map([["one", { x: 16, y: 0 }]]));
  const theirs = moveBlocks(base(), new Map([["one", { x: 0, y: 16 }]]));
  const { document, conflicts } = merge(base(), mine, theirs);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(document.blocks[0]?.position, { x: 16, y: 0 });
});

test("without changes of mine the result is theirs, in their order", () => {
  const theirs = { ...base(), blocks: base().blocks.toReversed() };
  assert.deepEqual(merge(base(), base(), theirs).document, theirs);
});

test("rows of which two have one id are a value, and none gets lost", () => {
  const rows = (text: string) => [{ id: "x", text: "same" }, { id: "x", text }];
  const start = withValue(base(), "/blocks/1/settings/examples", rows("base"));
  const mine = withValue(start, "/blocks/1/settings/examples", rows("mine"));
  const theirs = withValue(start, "/blocks/1/settings/examples", rows("theirs"));
  const { document, conflicts } = merge(start, mine, theirs);
  assert.deepEqual(conflicts.map(({ pointer }) => pointer), ["/settings/examples"]);
  assert.deepEqual(document.blocks[1]?.settings?.examples, rows("mine"));
});
