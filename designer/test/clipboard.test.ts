import assert from "node:assert/strict";
import { test } from "node:test";
import { fragmentOf, pasted, readFragment } from "../src/clipboard";
import type { DesignDocument } from "../src/document";

const draft = (): DesignDocument => ({
  blocks: [
    { id: "clerk", type: "sequential", agents: [{ id: "a" }], position: { x: 16, y: 32 } },
    { id: "letter", type: "transform", settings: { template: "Dear {{ blocks.clerk.output }}: {{ incoming.clerk }}" } },
    { id: "other", type: "transform", settings: { expression: "blocks.clerk.output" } },
  ],
  connections: [
    { id: "c", source: "clerk", target: "letter" },
    { id: "d", source: "clerk", target: "other" },
  ],
});

test("a copy keeps inner connections and nothing else", () => {
  const fragment = fragmentOf(draft(), ["clerk", "letter"]);
  assert.deepEqual(fragment.connections.map((link) => link.id), ["c"]);
  assert.deepEqual(readFragment(JSON.stringify(fragment)), fragment);
});

test("ids that clash are renamed in every reference, beside the original", () => {
  const { document, ids } = pasted(draft(), fragmentOf(draft(), ["clerk", "letter"]));
  assert.deepEqual(ids, ["clerk_2", "letter_2"]);
  const copy = document.blocks.find((block) => block.id === "letter_2");
  assert.equal(copy?.settings?.template, "Dear {{ blocks.clerk_2.output }}: {{ incoming.clerk_2 }}");
  assert.deepEqual(document.connections?.at(-1), { id: "c_2", source: "clerk_2", target: "letter_2" });
  assert.deepEqual(document.blocks.find((block) => block.id === "clerk_2")?.position, { x: 48, y: 64 });
});

test("pasted into an empty design, everything keeps its id", () => {
  const { document } = pasted({ blocks: [] }, fragmentOf(draft(), ["clerk", "letter"]));
  assert.deepEqual(document.blocks.map((block) => block.id), ["clerk", "letter"]);
  assert.deepEqual(document.blocks[0]?.position, { x: 16, y: 32 });
});

test("a copy of a copy does not meet the names of the first", () => {
  const first = pasted(draft(), fragmentOf(draft(), ["clerk", "letter"])).document;
  const { ids } = pasted(first, fragmentOf(first, ["clerk", "clerk_2"]));
  assert.deepEqual(ids, ["clerk_3", "clerk_4"]);
});

test("other texts are no fragment", () => {
  for (const text of ["", "hello", "[]", '{"blocks": []}', '{"orchestra": 1}', '{"orchestra": 1, "blocks": [{}]}']) {
    assert.equal(readFragment(text), null);
  }
});

test("each copy lies beside the one before, and a block without a place stays without", () => {
  const first = pasted(draft(), fragmentOf(draft(), ["clerk"])).document;
  const second = pasted(first, fragmentOf(draft(), ["clerk", "letter"])).document;
  const place = (id: string) => second.blocks.find((block) => block.id === id)?.position;
  assert.deepEqual([place("clerk"), place("clerk_2"), place("clerk_3")], [{ x: 16, y: 32 }, { x: 48, y: 64 }, { x: 80, y: 96 }]);
  assert.equal(place("letter_2"), undefined);
  const odd = { orchestra: 1, blocks: [{ id: "odd", type: "debate", position: { x: "far" } as never }], connections: [] } as const;
  assert.equal(pasted(draft(), { ...odd, blocks: [...odd.blocks], connections: [] }).document.blocks.at(-1)?.position, undefined);
});
