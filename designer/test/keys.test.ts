import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFor, KEYS, type Press } from "../src/keys";

const on = (key: string, more: Partial<Press> = {}): Press => ({ key, ...more });

test("letters act on the canvas alone", () => {
  for (const [key, command] of [["c", "connect"], ["w", "wire"], ["t", "tidy"], ["f", "fit"], ["/", "add"], ["?", "keys"], ["0", "actual-size"]] as const) {
    assert.equal(commandFor(on(key), "canvas", false), command);
    assert.equal(commandFor(on(key), "text", false), null);
    assert.equal(commandFor(on(key), "page", false), null);
  }
});

test("undo, save and try act everywhere; copy on the canvas alone", () => {
  const control = { ctrlKey: true };
  for (const where of ["canvas", "text", "page"] as const) {
    assert.equal(commandFor(on("z", control), where, false), "undo");
    assert.equal(commandFor(on("Z", { ...control, shiftKey: true }), where, false), "redo");
    assert.equal(commandFor(on("y", control), where, false), "redo");
    assert.equal(commandFor(on("s", control), where, false), "save");
    assert.equal(commandFor(on("Enter", control), where, false), "try");
    assert.equal(commandFor(on("F8"), where, false), "problem");
    assert.equal(commandFor(on("F8", { shiftKey: true }), where, false), "problem-back");
  }
  assert.equal(commandFor(on("c", control), "canvas", false), "copy");
  assert.equal(commandFor(on("c", control), "text", false), null);
  assert.equal(commandFor(on("a", control), "text", false), null);
});

test("on a Mac the command key is the one that counts", () => {
  assert.equal(commandFor(on("z", { metaKey: true }), "canvas", true), "undo");
  assert.equal(commandFor(on("z", { ctrlKey: true }), "canvas", true), null);
  assert.equal(commandFor(on("z", { metaKey: true }), "canvas", false), null);
});

test("arrows walk, with Shift they move, with Ctrl farther", () => {
  assert.equal(commandFor(on("ArrowLeft"), "canvas", false), "left");
  assert.equal(commandFor(on("ArrowLeft", { shiftKey: true }), "canvas", false), "move-left");
  assert.equal(commandFor(on("ArrowLeft", { shiftKey: true, ctrlKey: true }), "canvas", false), "move-far-left");
  assert.equal(commandFor(on("ArrowLeft"), "text", false), null);
});

test("characters of the third level are typed with Ctrl and Alt", () => {
  assert.equal(commandFor(on("[", { ctrlKey: true, altKey: true }), "canvas", false), "palette");
  assert.equal(commandFor(on("c", { altKey: true }), "canvas", false), null);
});

test("the browser keeps what is not ours", () => {
  assert.equal(commandFor(on("r", { ctrlKey: true }), "canvas", false), null);
  assert.equal(commandFor(on("c", { ctrlKey: true, shiftKey: true }), "canvas", false), null);
  assert.equal(commandFor(on("Tab"), "canvas", false), null);
});

test("every row of the table has keys and says what they do", () => {
  const rows = KEYS.flatMap(({ rows: found }) => found);
  assert.ok(rows.length > 20);
  for (const { keys, does } of rows) assert.ok(keys.every((chord) => chord.length) && does);
});
