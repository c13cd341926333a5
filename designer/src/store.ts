// The state of the page, and the only ways to change the draft: `change`, `undo`, `redo`, `replace`.

import { useEffect, useReducer, useRef } from "preact/hooks";
import { History, type Change } from "./history";
import { blockOf, connectionsOf, type DesignDocument } from "./document";
import { renamedPart, type Renames } from "./renames";
import { NOTHING, type DockTab, type Message, type PaletteEntry, type Selection, type State } from "./state";

export * from "./state";

/** Small screens show the panels as sheets over the canvas. */
export const isPhone = (): boolean => globalThis.matchMedia?.("(max-width: 48rem)").matches ?? false;

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

  /**
   * Sets the draft without an undoable step: what the server or a merge brought. `renames` are own
   * parts that have another name in it.
   */
  replace(document: DesignDocument, name: string, renames?: Renames): void {
    // Typing before and after it is not one step, which would take theirs back, too.
    this.history.close();
    if (renames) {
      this.history.rename((key, value) => renamedPart(renames, key, value));
      const { selection, focus } = this.get();
      const blockNow = (id: string) => renames.blocks.get(id) ?? id;
      const { agent, connection } = selection;
      this.set({
        selection: {
          blocks: selection.blocks.map(blockNow),
          connection: connection && (renames.links.get(connection) ?? connection),
          agent: agent && { ...agent, block: blockNow(agent.block) },
        },
        focus: focus && blockNow(focus),
      });
    }
    this.take(document, name, false);
  }

  /** For a message that tells of the last change: takes back that one, whatever was changed since. */
  undoing(): Message["action"] {
    const change = this.history.newest;
    return { label: "Undo", run: () => change && this.takeBack(change) };
  }

  private takeBack(change: Change, anyway = false): void {
    const { document, readOnly } = this.get();
    if (!document || readOnly) return;
    const isNewest = change === this.history.newest;
    const undone = this.history.takeBack(document, change, anyway);
    if (!undone) return this.tell(`“${change.name}” has been undone already.`);
    if (undone.blocked.length) {
      const text = `“${change.name}” cannot be undone alone: it was changed since.`;
      return this.tell(text, { action: { label: "Undo anyway", run: () => this.takeBack(change, true) } });
    }
    const name = `Undo: ${change.name}`;
    if (!isNewest) this.history.record(name, document, undone.document, null, Date.now());
    this.take(undone.document, name);
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
