// The copies of unsaved work in this browser, which outlive a lost connection and an ended session.
// Each window has a copy of its own, so that none overwrites or forgets what another has not saved.

import { same, type DesignDocument } from "./document";

export interface LocalCopy {
  revision: number;
  /** The state that the server had acknowledged, for merging. */
  base: DesignDocument;
  /** What was sent last and not answered: the server may have it. */
  sent?: DesignDocument | undefined;
  document: DesignDocument;
  at: number;
}

/** Names this window, for others and for its copies. */
export const TAB = crypto.randomUUID?.() ?? String(Math.random());

const stemOf = (person: number, design: string) => `orchestra-draft-${person}-${design}`;
const keyOf = (person: number, design: string) => `${stemOf(person, design)}-${TAB}`;

/** False if the browser keeps nothing: storage is off or full. */
export function keepLocally(person: number, design: string, copy: LocalCopy): boolean {
  try {
    localStorage.setItem(keyOf(person, design), JSON.stringify(copy));
    return true;
  } catch {
    return false;
  }
}

export function forgetLocally(person: number, design: string): void {
  forget(keyOf(person, design));
}

function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Storage is off: there is nothing to forget.
  }
}

/** The newest copy of any window that differs from this draft, as this window's own from now on. */
export function takeLocally(person: number, design: string, server: DesignDocument): LocalCopy | null {
  const found = copiesOf(stemOf(person, design));
  for (const [key, copy] of found.sort(([, one], [, other]) => other.at - one.at)) {
    const isSaved = same(copy.document, server);
    if (isSaved || keepLocally(person, design, copy)) forget(key);
    if (!isSaved) return copy;
  }
  return null;
}

function copiesOf(stem: string): [string, LocalCopy][] {
  try {
    const keys = Object.keys(localStorage).filter((key) => key === stem || key.startsWith(`${stem}-`));
    return keys.flatMap((key) => {
      const copy = readCopy(localStorage.getItem(key));
      return copy ? [[key, copy]] : [];
    });
  } catch {
    return [];
  }
}

function readCopy(text: string | null): LocalCopy | null {
  try {
    const copy = text ? (JSON.parse(text) as LocalCopy) : null;
    return copy && Array.isArray(copy.document?.blocks) && Array.isArray(copy.base?.blocks) ? copy : null;
  } catch {
    return null;
  }
}
