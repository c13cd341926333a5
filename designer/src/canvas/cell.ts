// A value that components watch and that is no part of the page's state: where a drag is, what list is open.

import { useEffect, useState } from "preact/hooks";

export class Cell<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [value, show] = useState(cell.get());
  useEffect(() => {
    show(cell.get());
    return cell.subscribe(() => show(cell.get()));
  }, [cell]);
  return value;
}
