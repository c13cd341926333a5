import assert from "node:assert/strict";
import { test } from "node:test";
import { common, mixedIn } from "../src/panels/Several";

const one = { id: "a", type: "debate", retries: 2, settings: { rounds: 3, mode: "judge" } };
const other = { id: "b", type: "debate", settings: { rounds: 3, mode: "vote" }, on_error: "skip" };

test("what several blocks have in common is shown, key by key", () => {
  assert.deepEqual(common([one, other]), { type: "debate", settings: { rounds: 3 } });
  assert.deepEqual(common([one]), one);
  assert.deepEqual(common([]), {});
});

test("a value that one has and another has not is a different one", () => {
  const differs = mixedIn([one, other]);
  const pointers = ["/type", "/settings/rounds", "/settings/mode", "/retries", "/on_error", "/default"];
  assert.deepEqual(pointers.filter(differs), ["/settings/mode", "/retries", "/on_error"]);
});
