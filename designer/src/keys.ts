// The keyboard: which key stands for which command, and the table that `?` shows.

export type Command =
  | "undo" | "redo" | "copy" | "cut" | "paste" | "duplicate" | "all" | "escape" | "delete" | "save" | "try"
  | "add" | "connect" | "wire" | "problem" | "problem-back" | "fit" | "actual-size" | "zoom-in" | "zoom-out"
  | "tidy" | "dock-1" | "dock-2" | "dock-3" | "dock-4" | "palette" | "inspector" | "keys"
  | "left" | "right" | "up" | "down" | "first" | "last" | "open" | "select" | "select-more"
  | "move-left" | "move-right" | "move-up" | "move-down"
  | "move-far-left" | "move-far-right" | "move-far-up" | "move-far-down";

/** The part of a keyboard event that tells which key it is. */
export interface Press {
  key: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  shiftKey?: boolean;
  altKey?: boolean;
}

/** Where the focus is: on the canvas, in a field that takes text, or elsewhere on the page. */
export type Where = "canvas" | "text" | "page";

export const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

const ANYWHERE: Record<string, Command> = { z: "undo", y: "redo", s: "save", enter: "try" };
const ON_CANVAS_WITH_CONTROL: Record<string, Command> = { c: "copy", x: "cut", v: "paste", d: "duplicate", a: "all" };
const ON_CANVAS: Record<string, Command> = {
  delete: "delete", backspace: "delete", escape: "escape", enter: "open", home: "first", end: "last",
  "/": "add", c: "connect", w: "wire", f: "fit", "0": "actual-size", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out",
  t: "tidy", "1": "dock-1", "2": "dock-2", "3": "dock-3", "4": "dock-4", "[": "palette", "]": "inspector", "?": "keys",
};
const ARROWS: Record<string, "left" | "right" | "up" | "down"> = {
  arrowleft: "left", arrowright: "right", arrowup: "up", arrowdown: "down",
};

/** What a key does, or null: then it is the browser's. */
export function commandFor(press: Press, where: Where, mac: boolean = isMac): Command | null {
  const key = press.key.toLowerCase();
  const isGraph = Boolean(press.ctrlKey && press.altKey);
  const withControl = !isGraph && Boolean(mac ? press.metaKey : press.ctrlKey);
  const withOther = !isGraph && Boolean(press.altKey || (mac ? press.ctrlKey : press.metaKey));
  if (withOther) return null;
  if (key === "f8" && !withControl) return press.shiftKey ? "problem-back" : "problem";
  const arrow = ARROWS[key];
  if (arrow) return where === "canvas" ? arrowCommand(arrow, withControl, Boolean(press.shiftKey)) : null;
  if (withControl) return controlCommand(key, where, Boolean(press.shiftKey));
  if (where !== "canvas") return null;
  if (key === " ") return press.shiftKey ? "select-more" : "select";
  return ON_CANVAS[key] ?? null;
}

function arrowCommand(way: "left" | "right" | "up" | "down", withControl: boolean, withShift: boolean): Command | null {
  if (withShift) return withControl ? `move-far-${way}` : `move-${way}`;
  return withControl ? null : way;
}

function controlCommand(key: string, where: Where, withShift: boolean): Command | null {
  if (key === "z" && withShift) return "redo";
  if (withShift) return null;
  return ANYWHERE[key] ?? (where === "canvas" ? ON_CANVAS_WITH_CONTROL[key] : undefined) ?? null;
}

/** The field that has the focus takes text, so that letters and Ctrl Z are its own. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.shadowRoot !== null) return true;
  if (target instanceof HTMLInputElement) return !/^(button|checkbox|color|file|radio|range|reset|submit)$/.test(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

// --- The table ------------------------------------------------------------------------------------

export interface KeyRow {
  /** Ways to press it; each is keys pressed together. */
  keys: string[][];
  does: string;
}

const CONTROL = isMac ? "⌘" : "Ctrl";
const one = (...keys: string[]): string[][] => keys.map((key) => key.split(" "));

/** All keys, in groups. `Ctrl` is ⌘ on a Mac. */
export const KEYS: { title: string; rows: KeyRow[] }[] = [
  {
    title: "Walk",
    rows: [
      { keys: one("Tab", "Shift Tab"), does: "Next, previous region; the canvas is one stop" },
      { keys: one("←", "→"), does: "Along connections" },
      { keys: one("↑", "↓"), does: "Nearest block above, below" },
      { keys: one("Home", "End"), does: "First, last block in run order" },
      { keys: one("w"), does: "Next connection of the block; Enter edits it, Delete removes it" },
      { keys: one("F8", "Shift F8"), does: "Next, previous problem" },
    ],
  },
  {
    title: "Draw",
    rows: [
      { keys: one("/"), does: "Add a block behind the selected one" },
      { keys: one("c"), does: "Connect the block or agent: choose the target" },
      { keys: one("Enter"), does: "Edit the block; Esc comes back" },
      { keys: one("Space", "Shift Space"), does: "Select; add to the selection" },
      { keys: [["Shift", "←↑↓→"], [CONTROL, "Shift", "←↑↓→"]], does: "Move by 16, by 64" },
      { keys: one("Delete"), does: "Remove the selection" },
      { keys: one("t"), does: "Tidy" },
    ],
  },
  {
    title: "Change",
    rows: [
      { keys: [[CONTROL, "Z"], [CONTROL, "Shift", "Z"], [CONTROL, "Y"]], does: "Undo, redo" },
      { keys: ["C", "X", "V"].map((key) => [CONTROL, key]), does: "Copy, cut, paste" },
      { keys: [[CONTROL, "D"]], does: "Duplicate" },
      { keys: [[CONTROL, "A"], ["Esc"]], does: "Select all; none, or close what is open" },
      { keys: [[CONTROL, "S"]], does: "Save now" },
      { keys: [[CONTROL, "Enter"]], does: "Try it; again: cancel" },
    ],
  },
  {
    title: "See",
    rows: [
      { keys: one("f"), does: "Fit everything in view" },
      { keys: one("0", "+", "-"), does: "100 %, zoom in, zoom out" },
      { keys: one("1", "2", "3", "4"), does: "Try it, problems, suggestions, JSON" },
      { keys: one("[", "]"), does: "Fold the palette, the inspector" },
      { keys: one("?"), does: "These keys" },
    ],
  },
];
