import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../src/history";
import type { DesignDocument } from "../src/document";
import { moveBlocks, remove, renameBlock, withValue } from "../src/edit";
import { NOTHING, store, type State } from "../src/store";

const draft = (): DesignDocument => ({
  schema: 1,
  name: "Two",
  blocks: [
    { id: "one", type: "transform", settings: { expression: "input" }, position: { x: 0, y: 0 } },
    { id: "two", type: "sequential", task: "Read {{ blocks.one.output }} and \\{{ blocks.one }}", agents: [{ id: "a" }] },
  ],
  connections: [{ id: "c", source: "one", target: "two", when: "blocks.one.output.x > `1`" }],
});

test("a removed block comes back with its connections, in its place", () => {
  const history = new History();
  const before = draft();
  const after = remove(before, ["one"]);
  history.record("Remove", before, after, null, 0);
  assert.equal(after.connections?.length, 0);
  const undone = history.undo(after);
  assert.deepEqual(undone?.document, before);
  assert.deepEqual(history.redo(before)?.document, after);
});

test("typing in one field is one change, until it is left", () => {
  const history = new History();
  let document = draft();
  for (const [at, name] of [[0, "T"], [500, "Tw"], [900, "Two!"]] as const) {
    const next = withValue(document, "/name", name);
    history.record("Rename", document, next, "name", at);
    document = next;
  }
  assert.equal(history.undo(document)?.document.name, "Two");
  assert.equal(history.undo(document), null);
});

test("what somebody else changed since is not taken back", () => {
  const history = new History();
  const before = draft();
  const mine = withValue(before, "/blocks/1/task", "Mine");
  history.record("Change the task", before, mine, null, 0);
  const theirs = withValue(mine, "/blocks/1/task", "Theirs");
  assert.equal(history.undo(theirs)?.blocked[0]?.key, "block/two");
  assert.equal(history.undo(theirs, true)?.document.blocks[1]?.task, before.blocks[1]?.task);
});

test("a moved block and its edited text are parts of their own", () => {
  const history = new History();
  const before = draft();
  const moved = moveBlocks(before, new Map([["one", { x: 32, y: 0 }]]));
  history.record("Move", before, moved, null, 0);
  const edited = withValue(moved, "/blocks/0/settings/expression", "input.text");
  const undone = history.undo(edited)?.document.blocks[0];
  assert.deepEqual(undone?.position, { x: 0, y: 0 });
  assert.equal(undone?.settings?.expression, "input.text");
});

test("a new id is put into templates, conditions and connections", () => {
  const renamed = renameBlock(draft(), "one", "first");
  assert.equal(renamed.blocks[1]?.task, "Read {{ blocks.first.output }} and \\{{ blocks.one }}");
  assert.equal(renamed.connections?.[0]?.when, "blocks.first.output.x > `1`");
  assert.equal(renamed.connections?.[0]?.source, "first");
});

test("typing that leads back to what was there is no step", () => {
  const history = new History();
  const before = draft();
  const typed = withValue(before, "/name", "Twofold");
  history.record("Rename", before, typed, "name", 0);
  history.record("Rename", typed, draft(), "name", 500);
  assert.equal(history.undo(before), null);
});

test("what is merged while one types is not taken back with the typing", () => {
  store.start({ document: draft(), readOnly: false, selection: NOTHING, focus: null } as unknown as State);
  const type = (text: string) => store.change("Change the task", (now) => withValue(now, "/blocks/1/task", text), "task");
  type("M");
  store.replace(withValue(store.get().document as DesignDocument, "/blocks/1/label", "Theirs"), "Merged");
  type("Mine");
  store.undo();
  assert.equal(store.get().document?.blocks[1]?.task, "M");
  assert.equal(store.get().document?.blocks[1]?.label, "Theirs");
});

test("a block whose id is not valid can be renamed", () => {
  const before = withValue(draft(), "/blocks/0/id", "a(b-é");
  assert.equal(renameBlock(before, "a(b-é", "first").blocks[0]?.id, "first");
});
