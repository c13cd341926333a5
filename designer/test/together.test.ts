import assert from "node:assert/strict";
import { test } from "node:test";
import type { Block, DesignDocument } from "../src/document";
import { changeBlock, connect, remove, withValue } from "../src/edit";
import { History } from "../src/history";
import { merge } from "../src/merge";
import { NOTHING, store, type State } from "../src/store";

const base = (): DesignDocument => ({
  schema: 1,
  blocks: [{ id: "one", type: "transform" }, { id: "two", type: "sequential", task: "Do it" }],
  connections: [{ id: "c", source: "one", target: "two" }],
});
const withBlock = (document: DesignDocument, block: Block): DesignDocument =>
  connect({ ...document, blocks: [...document.blocks, block] }, { source: "two", target: block.id }).document;
const start = (document: DesignDocument) =>
  store.start({ document, readOnly: false, selection: NOTHING, focus: null, messages: [] } as unknown as State);
const now = () => store.get().document as DesignDocument;
const ids = (document: DesignDocument) => document.blocks.map(({ id }) => id);

test("of two blocks that were added under one id, mine gets another in all that names it", () => {
  const mine = withValue(withBlock(base(), { id: "debate", type: "debate", task: "Mine" }), "/output", "{{ blocks.debate.output }}");
  const theirs = withBlock(base(), { id: "debate", type: "debate", task: "Theirs" });
  const { document, conflicts, renames } = merge(base(), mine, theirs);
  assert.deepEqual(conflicts, []);
  assert.deepEqual(document.blocks.slice(2).map(({ id, task }) => [id, task]).sort(), [["debate", "Theirs"], ["debate_2", "Mine"]]);
  assert.equal(document.output, "{{ blocks.debate_2.output }}");
  const ends = document.connections?.map(({ source, target }) => `${source} ${target}`).sort();
  assert.deepEqual(ends, ["one two", "two debate", "two debate_2"]);
  assert.equal(new Set(document.connections?.map(({ id }) => id)).size, 3);
  assert.deepEqual([...(renames?.blocks ?? [])], [["debate", "debate_2"]]);
});

test("the very same block that both have is one", () => {
  const both = withBlock(base(), { id: "debate", type: "debate" });
  const { document, renames } = merge(base(), both, structuredClone(both));
  assert.deepEqual(ids(document), ["one", "two", "debate"]);
  assert.equal(renames, undefined);
});

test("after that, undo and the selection are of mine", () => {
  start(base());
  store.change("Add a debate", (document) => withBlock(document, { id: "debate", type: "debate", task: "Mine" }));
  store.select({ blocks: ["debate"] });
  const { document, renames } = merge(base(), now(), withBlock(base(), { id: "debate", type: "debate", task: "Theirs" }));
  store.replace(document, "Merged", renames);
  assert.deepEqual(store.get().selection.blocks, ["debate_2"]);
  store.undo();
  assert.deepEqual(now().blocks.slice(2).map(({ id, task }) => [id, task]), [["debate", "Theirs"]]);
  assert.deepEqual(now().connections?.map(({ target }) => target), ["two", "debate"]);
  store.redo();
  assert.equal(now().blocks.find(({ id }) => id === "debate_2")?.task, "Mine");
});

test("a block that is kept against a removal keeps its connections", () => {
  const edited = withValue(base(), "/blocks/1/task", "Do it well");
  const removed = remove(base(), ["two"]);
  for (const { document } of [merge(base(), edited, removed), merge(base(), removed, edited)]) {
    assert.deepEqual(document.connections, base().connections);
    assert.equal(document.blocks[1]?.task, "Do it well");
  }
  const gone = remove(base(), ["one", "two"]);
  assert.deepEqual(merge(base(), edited, gone).document.connections, []);
});

test("an added block that somebody connected is undone with these connections, and only when asked", () => {
  const history = new History();
  const added = { ...base(), blocks: [...base().blocks, { id: "new", type: "transform" }] };
  history.record("Add", base(), added, null, 0);
  const theirs = connect(added, { source: "two", target: "new" }).document;
  assert.deepEqual(history.undo(theirs)?.blocked.map(({ key }) => key), ["link/two_to_new"]);
  const undone = history.undo(theirs, true)?.document as DesignDocument;
  assert.deepEqual(undone, base());
  assert.deepEqual(history.redo(undone)?.document, theirs);
});

test("a message takes back the change it tells of, and not a later one", () => {
  start(base());
  store.change("Remove two", (document) => remove(document, ["two"]));
  const action = store.undoing();
  store.change("Change one", (document) => changeBlock(document, "one", (block) => ({ ...block, label: "First" })));
  action?.run();
  assert.deepEqual(ids(now()), ["one", "two"]);
  assert.deepEqual(now().connections, base().connections);
  assert.equal(now().blocks[0]?.label, "First");
  action?.run();
  assert.equal(now().blocks.length, 2);
  // It was a step of its own.
  store.undo();
  assert.deepEqual(ids(now()), ["one"]);
  store.undo();
  assert.equal(now().blocks[0]?.label, undefined);
});

test("a change that was changed since is taken back only when asked", () => {
  start(base());
  store.change("Change the task", (document) => withValue(document, "/blocks/1/task", "First"));
  const action = store.undoing();
  store.change("Change it again", (document) => withValue(document, "/blocks/1/task", "Second"));
  action?.run();
  assert.equal(now().blocks[1]?.task, "Second");
  store.get().messages.at(-1)?.action?.run();
  assert.equal(now().blocks[1]?.task, "Do it");
});
