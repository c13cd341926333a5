// Undo and redo without end: a change keeps only the parts it changed, before and after.

import type { DesignDocument } from "./document";
import { differences, partsOf, samePart, withParts, type PartChange } from "./parts";

/** Changes with the same group within this time become one. */
const GROUP_MILLISECONDS = 1_000;

export interface Change {
  name: string;
  group: string | null;
  at: number;
  parts: PartChange[];
}

/** `blocked`: parts that somebody else has changed since; nothing of the change was taken back. */
export interface Undone {
  document: DesignDocument;
  change: Change;
  blocked: PartChange[];
}

export class History {
  private past: Change[] = [];
  private future: Change[] = [];

  record(name: string, before: DesignDocument, after: DesignDocument, group: string | null, at: number): void {
    const parts = differences(before, after);
    if (!parts.length) return;
    this.future = [];
    const last = this.past.at(-1);
    if (last && group !== null && last.group === group && at - last.at < GROUP_MILLISECONDS) {
      last.parts = joined(last.parts, parts);
      last.at = at;
      if (!last.parts.length) this.past.pop();
    } else {
      this.past.push({ name, group, at, parts });
    }
  }

  /** Closes the group: the next change is one of its own. */
  close(): void {
    const last = this.past.at(-1);
    if (last) last.group = null;
  }

  get undoName(): string | null {
    return this.past.at(-1)?.name ?? null;
  }

  get redoName(): string | null {
    return this.future.at(-1)?.name ?? null;
  }

  undo(document: DesignDocument, anyway = false): Undone | null {
    return this.step(document, this.past, this.future, "after", "before", anyway);
  }

  redo(document: DesignDocument, anyway = false): Undone | null {
    return this.step(document, this.future, this.past, "before", "after", anyway);
  }

  private step(
    document: DesignDocument,
    from: Change[],
    to: Change[],
    expected: "before" | "after",
    wanted: "before" | "after",
    anyway: boolean,
  ): Undone | null {
    const change = from.at(-1);
    if (!change) return null;
    const now = partsOf(document);
    const blocked = change.parts.filter(
      ({ key, ...part }) => !isOrder(key) && !samePart(key, now.get(key), part[expected]),
    );
    if (blocked.length && !anyway) return { document, change, blocked };
    from.pop();
    change.group = null;
    to.push(change);
    const changed = withParts(document, change.parts.map((part) => [part.key, part[wanted]]));
    return { document: changed, change, blocked: [] };
  }
}

// Orders change with every part that is added elsewhere, and are no reason to refuse.
const isOrder = (key: string): boolean => key.startsWith("order/");

function joined(first: PartChange[], second: PartChange[]): PartChange[] {
  const parts = new Map(first.map((part) => [part.key, part]));
  for (const part of second) {
    const earlier = parts.get(part.key);
    parts.set(part.key, earlier ? { ...part, before: earlier.before } : part);
  }
  return [...parts.values()].filter((part) => !samePart(part.key, part.before, part.after));
}
