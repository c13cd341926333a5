// What the page knows: what the server handed over, the draft, and what is shown of it.

import type { Agent, Bound, DesignDocument, Problem } from "./document";

// --- What the server hands over -------------------------------------------------------------------

/** What a block's output looks like; the rules of `cases` are in designs/patterns/shapes.py. */
export interface Shape {
  kind: string;
  fields?: Record<string, Shape>;
  /** Of a text: whose answer it is, which has a form of its own if that agent has an `output_schema`. */
  answer?: "last" | "any" | "manager" | "aggregator";
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
  /** The routes that blocks of this type always have; empty: they depend on the block. */
  routes: string[];
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
  /** Of expressions: `usage` is `name(arguments)`. */
  functions: { name: string; usage: string; summary: string }[];
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
export type BlockStatus = "pending" | "running" | "waiting" | "completed" | "failed" | "skipped" | "cancelled";

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

export const NOTHING: Selection = { blocks: [], connection: null, agent: null };
