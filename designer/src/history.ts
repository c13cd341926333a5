// Undo and redo without end: a change keeps only the parts it changed, before and after.

import { connectionsOf, type Connection, type DesignDocument } from "./document";
import { differences, partsOf, samePart, withParts, type PartChange, type PartKey } from "./parts";

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

  /** The change that was made last, to be taken back by name later. */
  get newest(): Change | null {
    return this.past.at(-1) ?? null;
  }

  /**
   * Takes this change back, wherever it stands: the newest as by undo; an earlier one leaves those
   * after it, and its taking back is a change of its own. Null if it is taken back already.
   */
  takeBack(document: DesignDocument, change: Change, anyway = false): Undone | null {
    if (change === this.newest) return this.undo(document, anyway);
    return this.past.includes(change) ? this.applied(document, change, "after", "before", anyway) : null;
  }

  /** Parts have other names from now on, because somebody else's have theirs. */
  rename(recipe: (key: PartKey, value: unknown) => { key: PartKey; value: unknown }): void {
    for (const change of [...this.past, ...this.future]) {
      change.parts = change.parts.map(({ key, before, after }) => ({
        key: recipe(key, undefined).key,
        before: recipe(key, before).value,
        after: recipe(key, after).value,
      }));
    }
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
    const undone = this.applied(document, change, expected, wanted, anyway);
    if (undone.blocked.length) return undone;
    from.pop();
    change.group = null;
    to.push(change);
    return undone;
  }

  private applied(document: DesignDocument, change: Change, expected: "before" | "after", wanted: "before" | "after", anyway: boolean): Undone {
    const now = partsOf(document);
    const blocked = change.parts.filter(
      ({ key, ...part }) => !isOrder(key) && !samePart(key, now.get(key), part[expected]),
    );
    const changed = withParts(document, change.parts.map((part) => [part.key, part[wanted]]));
    // Connections of others to a block that goes: they go with it, and come back with it.
    const loose = looseEnds(changed, document).map((link): PartChange => {
      const part = { key: `link/${link.id}`, before: undefined, after: undefined };
      return { ...part, [expected]: link };
    });
    if ((blocked.length || loose.length) && !anyway) return { document, change, blocked: [...blocked, ...loose] };
    if (!loose.length) return { document: changed, change, blocked: [] };
    change.parts = [...change.parts, ...loose];
    return { document: withParts(changed, loose.map(({ key }) => [key, undefined])), change, blocked: [] };
  }
}

/** Connections that have lost a block between the two documents. */
function looseEnds(after: DesignDocument, before: DesignDocument): Connection[] {
  const [ids, earlier] = [after, before].map(({ blocks }) => new Set(blocks.map(({ id }) => id)));
  const isLost = (id: string) => !ids?.has(id) && earlier?.has(id);
  return connectionsOf(after).filter(({ source, target }) => isLost(source) || isLost(target));
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
