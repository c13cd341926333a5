// The copy of unsaved work in this browser, which outlives a lost connection and an ended session.

import type { DesignDocument } from "./document";

export interface LocalCopy {
  revision: number;
  /** The state that the server had acknowledged, for merging. */
  base: DesignDocument;
  document: DesignDocument;
  at: number;
}

const keyOf = (person: number, design: string) => `orchestra-draft-${person}-${design}`;

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
  try {
    localStorage.removeItem(keyOf(person, design));
  } catch {
    // Storage is off: there is nothing to forget.
  }
}

export function keptLocally(person: number, design: string): LocalCopy | null {
  try {
    const text = localStorage.getItem(keyOf(person, design));
    const copy = text ? (JSON.parse(text) as LocalCopy) : null;
    return copy && Array.isArray(copy.document?.blocks) && Array.isArray(copy.base?.blocks) ? copy : null;
  } catch {
    return null;
  }
}
