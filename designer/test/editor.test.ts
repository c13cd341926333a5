import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOf } from "../src/editor/json-language";

/** Names with their text, brackets apart. */
function parts(text: string): string[] {
  const found: string[] = [];
  treeOf(text).iterate({
    enter: ({ name, from, to }) => {
      if (/^\w/.test(name)) found.push(`${name} ${text.slice(from, to)}`);
    },
  });
  return found;
}

test("keys and values of a JSON text are told apart, also inside one another", () => {
  assert.deepEqual(parts('{"a": ["b", -1.5e3, null]}').slice(1), [
    'Object {"a": ["b", -1.5e3, null]}',
    'PropertyName "a"',
    'Array ["b", -1.5e3, null]',
    'String "b"',
    "Number -1.5e3",
    "Word null",
  ]);
});

test("a text that is not whole has a tree, too", () => {
  assert.deepEqual(parts('{"a": {"b": "c\n').slice(1), [
    'Object {"a": {"b": "c\n',
    'PropertyName "a"',
    'Object {"b": "c\n',
    'PropertyName "b"',
    'String "c',
  ]);
  assert.deepEqual(parts("]}{,").slice(1), ["Object {,"]);
  assert.deepEqual(parts(""), ["JsonText "]);
});
