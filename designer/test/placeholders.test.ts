import assert from "node:assert/strict";
import { test } from "node:test";
import type { DesignDocument } from "../src/document";
import { judgeFor, piecesOf } from "../src/placeholders";

const draft: DesignDocument = {
  blocks: [{ id: "facts", type: "transform" }, { id: "letter", type: "transform" }, { id: "apart", type: "transform" }],
  connections: [{ id: "a", source: "facts", target: "letter" }],
};
const wrong = (...expressions: string[]) => expressions.filter(judgeFor(draft, "letter"));

test("a placeholder is right if it reads what is there at its block", () => {
  const right = [
    "input", "input.a.b[0].name", "incoming", "blocks.facts.output.x", 'blocks."facts".output', "execution.id || 'now'",
    "join(', ', input.names[].first)", "input.rows[?price > `5` && kind == 'a'].price", "{a: input.b, b: incoming}",
    "sort_by(input.rows, &price)", "input.rows | length(@)", "input.list | [0].name", "'Dear ' ",
    "input.price * 1.19 - 2e3", "let $most = input.limit, $in = 1 in input.rows[?price < $most] | [0]", "now() > input.due",
    "let $r = blocks.facts.output in {title: $r.title, nets: $r.nets}",
  ];
  assert.deepEqual(wrong(...right), []);
});

test("it is wrong if it reads another name, a block that is not upstream, or nothing", () => {
  const bad = ["inp", "blocks.fact.output", "blocks.apart.output", "blocks.facts.text", "execution.when", " ", "join(',', nam)", "input.a * pric", "let $x = inp in $x"];
  assert.deepEqual(wrong(...bad), bad);
  assert.equal(judgeFor(draft, "facts")("incoming"), true);
  assert.equal(judgeFor(draft, null)("blocks.apart.output"), false);
});

test("a text is cut into its placeholders; what is escaped or not closed is text", () => {
  const kinds = (text: string) => piecesOf(text, judgeFor(draft, "letter")).map(({ kind, text: piece }) => `${kind} ${piece}`);
  assert.deepEqual(kinds("Dear {{ input.a }}, {{ no }}"), ["text Dear ", "right {{ input.a }}", "text , ", "wrong {{ no }}"]);
  assert.deepEqual(kinds("\\{{ no }} {{ inp"), ["text \\{{ no }} {{ inp"]);
});

test("what the server alone finds is the one that it names, or the only one", () => {
  const judge = judgeFor(draft, "letter");
  const kinds = (text: string, message: string) => piecesOf(text, judge, [{ path: "", message }]).map(({ kind }) => kind);
  assert.deepEqual(kinds("{{ input.a }}{{ input.b[ }}", "This cannot be read: `input.b[`."), ["right", "wrong"]);
  assert.deepEqual(kinds("{{ input. }}", "An expression ends too early."), ["wrong"]);
});
