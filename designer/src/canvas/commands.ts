// What the commands of the keyboard do.

import { copySelection, cutSelection, duplicateSelection, pasteText } from "../clipboard";
import { agentsOf, blockOf, type DesignDocument } from "../document";
import { moveBlocks, remove } from "../edit";
import { commandFor, takesText, type Command, type Where } from "../keys";
import { fetchPanels } from "../panels/Later";
import { TRY_EVENT } from "../run";
import { walkProblems } from "../problems";
import { saver } from "../save";
import { announce, NOTHING, store, type DockTab } from "../store";
import { focusBlock, focusCanvas, focusedBlock } from "./focus";
import { GRID, boundsOf } from "./geometry";
import { boxesOf, placesOf, tidy } from "./places";
import { fit, picking, reveal, zoomStep, zoomTo, type WireEnd } from "./view";
import { firstBlock, labelOf, lastBlock, neighbour, spokenWire, wiresOf, type Way } from "./walking";

type Doing = () => void;

const DOCK: DockTab[] = ["try", "problems", "suggestions", "json"];
const openDock = (number: number): Doing => () => store.openDock(DOCK[number - 1] as DockTab);
const walk = (way: Way): Doing => () => walkTo(way);
const move = (x: number, y: number): Doing => () => moveSelection(x, y);

const COMMANDS: Partial<Record<Command, Doing>> = {
  undo: undoLast,
  redo: redoNext,
  duplicate: () => {
    if (store.get().readOnly) return;
    selectIfNone();
    duplicateSelection();
    revealSelection();
  },
  all: () => store.select({ blocks: store.get().document?.blocks.map(({ id }) => id) ?? [] }),
  escape: () => store.select(NOTHING),
  delete: removeSelection,
  save: () => void saver.flush(),
  try: () => tryIt(),
  add: () => openPicker("add"),
  connect: () => openPicker("connect"),
  wire: nextWire,
  problem: () => walkProblems(1),
  "problem-back": () => walkProblems(-1),
  fit: () => fitAll(),
  "actual-size": () => zoomTo(1),
  "zoom-in": () => zoomStep(1),
  "zoom-out": () => zoomStep(-1),
  tidy: () => void tidy(),
  "dock-1": openDock(1),
  "dock-2": openDock(2),
  "dock-3": openDock(3),
  "dock-4": openDock(4),
  palette: () => store.set({ palette: { ...store.get().palette, isOpen: !store.get().palette.isOpen } }),
  inspector: () => store.set({ inspector: { isOpen: !store.get().inspector.isOpen, field: null } }),
  keys: () => store.set({ dialog: { name: "keys" } }),
  left: walk("left"),
  right: walk("right"),
  up: walk("up"),
  down: walk("down"),
  first: () => walkToEnd(firstBlock),
  last: () => walkToEnd(lastBlock),
  open: openFocused,
  select: () => selectFocused(false),
  "select-more": () => selectFocused(true),
  "move-left": move(-1, 0),
  "move-right": move(1, 0),
  "move-up": move(0, -1),
  "move-down": move(0, 1),
  "move-far-left": move(-4, 0),
  "move-far-right": move(4, 0),
  "move-far-up": move(0, -4),
  "move-far-down": move(0, 4),
};

/** False if there is nothing to do: then the key is the browser's. */
export function perform(command: Command): boolean {
  COMMANDS[command]?.();
  return command in COMMANDS;
}

// --- Listening ------------------------------------------------------------------------------------

export function startKeys(): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  document.addEventListener("keydown", press, options);
  document.addEventListener("focusin", entered, options);
  document.addEventListener("copy", (event) => clip(event, copySelection), options);
  document.addEventListener("cut", (event) => clip(event, cutSelection), options);
  document.addEventListener("paste", paste, options);
  return () => stop.abort();
}

function whereIs(target: EventTarget | null): Where {
  if (takesText(target)) return "text";
  const isOnCanvas = target instanceof Element && target.closest(".react-flow") !== null;
  return isOnCanvas ? "canvas" : "page";
}

/** Verbs and lists over the page keep the keyboard to themselves. */
const isBusy = (): boolean => document.querySelector("dialog[open]") !== null;

function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || isBusy()) return;
  const where = whereIs(event.target);
  if (event.key === "Escape" && where !== "canvas") return comeBack(event);
  const command = commandFor(event, where);
  if (!command || (where === "text" && isOfField(command, event.target))) return;
  if (perform(command)) event.preventDefault();
}

/** Escape leads from the inspector to its block. */
function comeBack(event: KeyboardEvent): void {
  if (!(event.target as Element).closest?.(".inspector")) return;
  event.preventDefault();
  focusCanvas();
}

// What a field held when it was entered: as long as it differs, Ctrl Z is the field's.
const entry = new WeakMap<EventTarget, string>();

function entered({ target }: FocusEvent): void {
  if (target && takesText(target)) entry.set(target, (target as HTMLInputElement).value ?? "");
  const node = (target as Element | null)?.closest?.(".react-flow__node");
  const id = node?.getAttribute("data-id");
  if (id && store.get().focus !== id) store.set({ focus: id });
}

function isOfField(command: Command, target: EventTarget | null): boolean {
  if (command !== "undo" && command !== "redo") return false;
  if (target instanceof HTMLSelectElement) return false;
  if (!(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)) return true;
  if (target.value !== entry.get(target)) return true;
  requestAnimationFrame(() => entry.set(target, target.value));
  return false;
}

/** The canvas has the focus, or nothing has. */
const isForCanvas = ({ target }: Event): boolean =>
  !isBusy() && (target === document.body || whereIs(target) === "canvas");

function clip(event: ClipboardEvent, take: () => string | null): void {
  if (!isForCanvas(event) || getSelection()?.toString()) return;
  selectIfNone();
  const text = take();
  if (text === null) return;
  event.clipboardData?.setData("text/plain", text);
  event.preventDefault();
}

function paste(event: ClipboardEvent): void {
  if (!isForCanvas(event)) return;
  pasteText(event.clipboardData?.getData("text/plain"));
  revealSelection();
  event.preventDefault();
}

/** What was copied elsewhere may be placed out of view. */
function revealSelection(): void {
  const { document, selection } = store.get();
  if (!document) return;
  const boxes = boxesOf(document).filter((_, index) => selection.blocks.includes(document.blocks[index]?.id ?? ""));
  const bounds = boundsOf(boxes);
  if (bounds) reveal(bounds);
}

// --- Walking --------------------------------------------------------------------------------------

function walkTo(way: Way): void {
  const { document, focus } = store.get();
  const id = focusedBlock();
  if (!document || !id) return;
  // The first arrow enters the canvas.
  const next = blockOf(document, focus) ? neighbour(document, id, way, placesOf(document)) : id;
  if (next) focusBlock(next);
}

function walkToEnd(end: (document: DesignDocument) => string | null): void {
  const { document } = store.get();
  const id = document && end(document);
  if (id) focusBlock(id);
}

function nextWire(): void {
  const { document, selection } = store.get();
  const id = focusedBlock();
  if (!document || !id) return;
  const links = wiresOf(document, id);
  if (!links.length) return announce("This block has no connections.");
  const place = (links.findIndex((link) => link.id === selection.connection) + 1) % links.length;
  const link = links[place]!;
  store.select({ connection: link.id });
  const other = boxesOf(document)[document.blocks.findIndex((block) => block.id === (link.source === id ? link.target : link.source))];
  if (other) reveal(other);
  announce(`Connection ${place + 1} of ${links.length}, ${spokenWire(document, link)}`);
}

// --- Selecting ------------------------------------------------------------------------------------

function selectFocused(adds: boolean): void {
  const id = focusedBlock();
  if (!id) return;
  const { blocks } = store.get().selection;
  const isIn = blocks.includes(id);
  if (!adds) store.select({ blocks: isIn && blocks.length === 1 ? [] : [id] });
  else store.select({ blocks: isIn ? blocks.filter((other) => other !== id) : [...blocks, id] });
  const count = store.get().selection.blocks.length;
  announce(count === 1 ? "1 block selected." : `${count} blocks selected.`);
}

/** Without a selection, commands are about the block that has the focus. */
function selectIfNone(): void {
  const { selection } = store.get();
  if (!selection.connection) store.select({ ...selection, blocks: subjects() });
}

/** Enter leads to the first field of the wire or the block. */
function openFocused(): void {
  const { selection } = store.get();
  const id = focusedBlock();
  if (!selection.connection && id) {
    const agent = selection.agent?.block === id ? selection.agent : null;
    store.select({ blocks: [id], agent });
  }
  store.set({ inspector: { isOpen: true, field: selection.connection ? "/route" : "/label" } });
}

// --- Undoing --------------------------------------------------------------------------------------

export function undoLast(): void {
  const { undoName } = store.get();
  store.undo();
  if (undoName !== null) announce(`Undone: ${undoName}.`);
}

export function redoNext(): void {
  const { redoName } = store.get();
  store.redo();
  if (redoName !== null) announce(`Done again: ${redoName}.`);
}

// --- Changing -------------------------------------------------------------------------------------

/** The selected blocks, or the one that has the focus. */
function subjects(): string[] {
  const { selection } = store.get();
  const id = focusedBlock();
  return selection.blocks.length || !id ? selection.blocks : [id];
}

function moveSelection(x: number, y: number): void {
  const { document } = store.get();
  const ids = subjects();
  if (!document || !ids.length) return;
  const places = placesOf(document);
  const moved = new Map(
    ids.map((id) => {
      const place = places.get(id) ?? { x: 0, y: 0 };
      return [id, { x: place.x + x * GRID, y: place.y + y * GRID }] as const;
    }),
  );
  const name = ids.length === 1 ? "Move a block" : `Move ${ids.length} blocks`;
  store.change(name, (now) => moveBlocks(now, moved), `move ${ids.join(" ")}`);
  const box = boxesOf(store.get().document as DesignDocument)[document.blocks.findIndex(({ id }) => id === ids[0])];
  if (box) reveal(box);
}

export function removeSelection(): void {
  const { document, selection, readOnly } = store.get();
  if (!document || readOnly) return;
  const ids = selection.connection ? [] : subjects();
  if (!ids.length && !selection.connection) return;
  const words = selection.connection ? "the connection" : namesOf(document, ids);
  const next = ids.length ? nearestLeft(document, ids) : null;
  store.change(`Remove ${words}`, (now) => remove(now, ids, selection.connection ? [selection.connection] : []));
  store.tell(`Removed ${words}.`, { action: store.undoing() });
  if (next) focusBlock(next);
  else focusCanvas();
}

const namesOf = (document: DesignDocument, ids: string[]): string => {
  const [first] = ids;
  const block = blockOf(document, first ?? null);
  return ids.length === 1 && block ? labelOf(block) : `${ids.length} blocks`;
};

/** Where the keyboard goes when its block is removed: to one that led to it, or that it led to. */
function nearestLeft(document: DesignDocument, ids: string[]): string | null {
  const gone = new Set(ids);
  for (const id of ids) {
    const link = wiresOf(document, id).toReversed().find(({ source, target }) => !gone.has(source) || !gone.has(target));
    if (link) return gone.has(link.source) ? link.target : link.source;
  }
  return document.blocks.find(({ id }) => !gone.has(id))?.id ?? null;
}

function openPicker(kind: "add" | "connect"): void {
  const { document, readOnly, selection } = store.get();
  const id = focusedBlock();
  if (!document || readOnly) return;
  if (kind === "add") return picking.set({ kind, behind: id });
  const block = blockOf(document, id);
  if (!block) return;
  const row = selection.agent;
  const agent = row && row.block === id && agentsOf(block).some((one) => one.id === row.agent) ? row.agent : null;
  const from: WireEnd = { side: "source", block: block.id, agent };
  picking.set({ kind, from });
}

// --- Seeing ---------------------------------------------------------------------------------------

export function fitAll(): void {
  const { document } = store.get();
  if (document) fit(boxesOf(document));
}

/** A form that was just opened is drawn some frames later. */
const TRY_FRAMES = 3;

/** Presses the button of the form in the dock, which starts a try or cancels it. */
function tryIt(): void {
  const { dock, data } = store.get();
  if (!data.rights.try) return;
  const isOpen = dock.isOpen && dock.tab === "try";
  if (!isOpen) store.openDock("try");
  const press = (frames: number): void => {
    if (frames) requestAnimationFrame(() => press(frames - 1));
    else dispatchEvent(new Event(TRY_EVENT));
  };
  void fetchPanels().then(() => press(isOpen ? 0 : TRY_FRAMES), () => undefined);
}
