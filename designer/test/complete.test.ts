import assert from "node:assert/strict";
import { test } from "node:test";
import { completed, matching, typedAt } from "../src/complete";

const names = [
  { path: "input.split", hint: "text" },
  { path: "split", hint: "the parts", usage: "split(text, separator, most?)" },
  { path: "now", hint: "when the run began", usage: "now()" },
];
const [field, split, now] = names as [(typeof names)[0], (typeof names)[0], (typeof names)[0]];

test("functions are offered by their beginning, after which names that contain it follow", () => {
  assert.deepEqual(matching(names, "spl").map(({ path }) => path), ["split", "input.split"]);
});

test("a function comes with its brackets, and the caret between them", () => {
  assert.deepEqual(completed("spl", 0, 3, split, false), { text: "split()", caret: 6 });
  assert.deepEqual(completed("{{ spl", 3, 6, split, true), { text: "{{ split() }}", caret: 9 });
  assert.deepEqual(completed("spl(a, b)", 0, 3, split, false), { text: "split(a, b)", caret: 5 });
  assert.deepEqual(completed("no", 0, 2, now, false), { text: "now()", caret: 5 });
  assert.deepEqual(completed("in", 0, 2, field, false), { text: "input.split", caret: 11 });
});

test("nothing is offered for a variable of the expression's own", () => {
  assert.equal(typedAt("let $spl", 8, false), null);
  assert.deepEqual(typedAt("let $a = spl", 12, false), { from: 9, word: "spl" });
});
