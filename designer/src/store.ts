// The state of the page, and the only ways to change the draft: `change`, `undo`, `redo`, `replace`.

import { useEffect, useReducer, useRef } from "preact/hooks";
import { History } from "./history";
import {
  blockOf,
  connectionsOf,
  type Agent,
  type Bound,
  type DesignDocument,
  type Problem,
} from "./document";

// --- What the server hands over -------------------------------------------------------------------

/** What a block's output looks like; the rules of `cases` are in designs/patterns/shapes.py. */
export interface Shape {
  kind: string;
  fields?: Record<string, Shape>;
  cases?: { when: Record<string, unknown[]>; shape: Shape }[];
}

export interface PaletteEntry {
  type: string;
  label: string;
  summary: string;
  roles: string[];
  role_words?: Record<string, string>;
  default_role: string;
  min_agents: number;
  max_agents: number;
  chooses_routes: boolean;
  has_agents: boolean;
  settings: Record<string, unknown>;
  agents: Agent[];
  output: Shape;
}

export interface PageData {
  design: {
    id: string;
    name: string;
    revision: number;
    document: unknown;
    changed_by: string | null;
    changed_at: string;
    latest_version: number | null;
  };
  rights: Record<"change" | "publish" | "delete" | "try" | "payload" | "deploy" | "create", boolean>;
  me: { id: number; name: string };
  default_model: string;
  models: string[];
  palette: PaletteEntry[];
  pictograms: Record<string, string>;
  problems: Problem[];
  hints: Problem[];
  bound: Bound | null;
  limits: { model_calls: number; cost_usd: string | null; seconds: number } | null;
  input_example: unknown;
  urls: Record<string, string>;
}

// --- State ----------------------------------------------------------------------------------------

/** `kept`: not with the server, but in this browser. */
export type SaveState =
  | { kind: "saved"; at: Date }
  | { kind: "saving" }
  | { kind: "changed" }
  | { kind: "offline"; kept: boolean }
  | { kind: "signed-out"; kept: boolean }
  | { kind: "refused"; message: string }
  | { kind: "conflict"; by: string | null };

/** What is selected: blocks, or one connection, or one agent of a block. Empty: the design. */
export interface Selection {
  blocks: string[];
  connection: string | null;
  agent: { block: string; agent: string } | null;
}

export type RunStatus =
  | "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled" | "timed_out";
export type BlockStatus = "pending" | "running" | "completed" | "failed" | "skipped" | "cancelled";

export interface AgentRun {
  text: string;
  isRunning: boolean;
  milliseconds: number | null;
}

export interface StepRun {
  key: string;
  block: string;
  agent: string | null;
  purpose: string;
  round: number;
  startedAt: number | null;
  milliseconds: number | null;
  tokens: number | null;
  cost: string | null;
  status: "running" | "completed" | "failed";
}

export interface BlockRun {
  status: BlockStatus;
  startedAt: number | null;
  milliseconds: number | null;
  tokens: number | null;
  cost: string | null;
  output: unknown;
  error: string | null;
  agents: Record<string, AgentRun>;
  steps: StepRun[];
  /** Edited since the run began. */
  isEdited: boolean;
}

/** A try drawn over the canvas; never part of the document. */
export interface Run {
  id: string;
  url: string;
  status: RunStatus;
  isDegraded: boolean;
  model: string;
  only: string | null;
  startedAt: number;
  milliseconds: number | null;
  cost: string | null;
  tokens: number | null;
  blocks: Record<string, BlockRun>;
  /** Ids of connections; those not in either list are undecided. */
  taken: string[];
  notTaken: string[];
  output: unknown;
  error: string | null;
  document: DesignDocument;
}

export type DockTab = "try" | "problems" | "suggestions" | "json";
export type PaletteTab = "blocks" | "outline" | "input";

export interface Person {
  /** The user name, which is unique. */
  user: string;
  name: string;
  initials: string;
  block: string | null;
}

/** A message in the status region; errors stay until they are closed. */
export interface Message {
  id: number;
  text: string;
  isError: boolean;
  action?: { label: string; run: () => void };
}

export interface State {
  data: PageData;
  /** Null if the draft cannot be drawn: then `raw` is shown in the JSON tab alone. */
  document: DesignDocument | null;
  raw: unknown;
  notDrawn: string | null;
  readOnly: boolean;
  save: SaveState;
  selection: Selection;
  /** Where the keyboard is on the canvas, which need not be selected. */
  focus: string | null;
  problems: Problem[];
  hints: Problem[];
  bound: Bound | null;
  run: Run | null;
  lastInput: unknown;
  dock: { isOpen: boolean; tab: DockTab; height: number };
  palette: { isOpen: boolean; tab: PaletteTab };
  inspector: { isOpen: boolean; field: string | null };
  people: Person[];
  /** The open dialog, by name, with what it is about. */
  dialog: { name: string; about?: unknown } | null;
  messages: Message[];
  /** What an import changed or left out, by place in the draft. */
  importWarnings: Problem[];
  undoName: string | null;
  redoName: string | null;
}

/** Small screens show the panels as sheets over the canvas. */
export const isPhone = (): boolean => globalThis.matchMedia?.("(max-width: 48rem)").matches ?? false;

export const NOTHING: Selection = { blocks: [], connection: null, agent: null };

type Listener = () => void;
/** `isOwn`: made in this tab, and not brought by the server or a merge. */
type ChangeListener = (document: DesignDocument, name: string, isOwn: boolean) => void;

class Store {
  private state: State | null = null;
  private readonly listeners = new Set<Listener>();
  private readonly changeListeners = new Set<ChangeListener>();
  private readonly history = new History();
  private messageNumber = 0;

  start(state: State): void {
    this.state = state;
  }

  get(): State {
    if (!this.state) throw new Error("The page has not started.");
    return this.state;
  }

  set(change: Partial<State>): void {
    this.state = { ...this.get(), ...change };
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called after each change of the draft, by whoever made it. */
  onChange(listener: ChangeListener): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /**
   * Changes the draft as one undoable step. `name` says it in words ("Add a debate"). Changes with
   * the same `group` in quick succession are one step (typing in one field).
   */
  change(name: string, recipe: (document: DesignDocument) => DesignDocument, group: string | null = null): void {
    const { document, readOnly } = this.get();
    if (!document || readOnly) return;
    const changed = recipe(document);
    if (changed === document) return;
    this.history.record(name, document, changed, group, Date.now());
    this.take(changed, name);
  }

  /** Ends a group: the field was left. */
  closeGroup(): void {
    this.history.close();
  }

  /** Sets the draft without an undoable step: what the server or a merge brought. */
  replace(document: DesignDocument, name: string): void {
    // Typing before and after it is not one step, which would take theirs back, too.
    this.history.close();
    this.take(document, name, false);
  }

  undo(anyway = false): void {
    this.back(anyway, "undo");
  }

  redo(anyway = false): void {
    this.back(anyway, "redo");
  }

  private back(anyway: boolean, way: "undo" | "redo"): void {
    const { document, readOnly } = this.get();
    if (!document || readOnly) return;
    const undone = this.history[way](document, anyway);
    if (!undone) return;
    if (undone.blocked.length) {
      const text = `“${undone.change.name}” was changed by somebody else since.`;
      const label = way === "undo" ? "Undo anyway" : "Redo anyway";
      this.tell(text, { action: { label, run: () => this.back(true, way) } });
      return;
    }
    this.take(undone.document, way === "undo" ? `Undo: ${undone.change.name}` : undone.change.name);
  }

  private take(document: DesignDocument, name: string, isOwn = true): void {
    const state = this.get();
    this.set({
      document,
      raw: document,
      notDrawn: null,
      selection: stillThere(state.selection, document),
      focus: blockOf(document, state.focus) ? state.focus : null,
      undoName: this.history.undoName,
      redoName: this.history.redoName,
    });
    for (const listener of [...this.changeListeners]) listener(document, name, isOwn);
  }

  select(selection: Partial<Selection>): void {
    const { selection: before } = this.get();
    const after = { ...NOTHING, ...selection };
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    // A field that was asked for there is not one of this part.
    this.set({ selection: after, inspector: { ...this.get().inspector, field: null } });
  }

  /** Shows a message in the status region. */
  tell(text: string, options: { isError?: boolean; action?: Message["action"] } = {}): void {
    const id = ++this.messageNumber;
    const message: Message = { id, text, isError: options.isError ?? false };
    if (options.action) message.action = options.action;
    this.set({ messages: [...this.get().messages.slice(-3), message] });
  }

  dismiss(id: number): void {
    this.set({ messages: this.get().messages.filter((message) => message.id !== id) });
  }

  openDock(tab: DockTab): void {
    this.set({ dock: { ...this.get().dock, isOpen: true, tab } });
  }

  /** Selects the part a JSON pointer leads to, opens its panel, and puts the focus on its field. */
  showField(pointer: string): void {
    const { document } = this.get();
    if (!document) return this.openDock("json");
    const [first, index, kind, agentIndex, ...rest] = pointer.split("/").slice(1);
    const inspector = { isOpen: true, field: null as string | null };
    if (first === "blocks" && index !== undefined) {
      const block = document.blocks[Number(index)];
      if (!block) return;
      const agent = kind === "agents" ? block.agents?.[Number(agentIndex)] : undefined;
      this.select({ blocks: [block.id], agent: agent ? { block: block.id, agent: agent.id } : null });
      inspector.field = `/${[kind, agentIndex, ...rest].filter((part) => part !== undefined).join("/")}`;
    } else if (first === "connections" && index !== undefined) {
      const link = connectionsOf(document)[Number(index)];
      if (!link) return;
      this.select({ connection: link.id });
      inspector.field = kind ? `/${kind}` : null;
    } else {
      this.select(NOTHING);
      inspector.field = pointer || null;
      if (first === "input_schema") {
        this.set({ palette: { isOpen: true, tab: "input" } });
      }
    }
    this.set({ inspector });
  }
}

export const store = new Store();

function stillThere(selection: Selection, document: DesignDocument): Selection {
  const blocks = selection.blocks.filter((id) => blockOf(document, id));
  const connection = connectionsOf(document).some((link) => link.id === selection.connection)
    ? selection.connection
    : null;
  const owner = selection.agent && blockOf(document, selection.agent.block);
  const agent = owner?.agents?.some((row) => row.id === selection.agent?.agent) ? selection.agent : null;
  return { blocks, connection, agent };
}

/** The part of the state that a component shows; it renders again only when that part changes. */
export function useStore<T>(select: (state: State) => T, equal: (one: T, other: T) => boolean = Object.is): T {
  const [, render] = useReducer((count: number) => count + 1, 0);
  const value = select(store.get());
  const shown = useRef(value);
  shown.current = value;
  const current = useRef(select);
  current.current = select;
  useEffect(() => {
    const look = () => {
      if (!equal(current.current(store.get()), shown.current)) render(undefined as never);
    };
    // The state may have changed between the first rendering and this moment.
    look();
    return store.subscribe(look);
  }, []);
  return value;
}

export const paletteEntry = (type: string): PaletteEntry | undefined =>
  store.get().data.palette.find((entry) => entry.type === type);

// --- Words for screen readers ---------------------------------------------------------------------

/** Says a sentence in the live region of the page. */
export function announce(text: string): void {
  const region = globalThis.document?.getElementById("announcements");
  if (region) region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
