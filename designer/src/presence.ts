// Who else has this draft open, and word of what they save.

import { call } from "./api";
import { TAB } from "./local";
import { saver } from "./save";
import { store, type Person } from "./store";

const PRESENT_MILLISECONDS = 20_000;

export function startPresence(): void {
  const { urls } = store.get().data;
  if (urls.presence) {
    void report(urls.presence);
    setInterval(() => {
      if (document.visibilityState === "visible") void report(urls.presence as string);
    }, PRESENT_MILLISECONDS);
    let block = selectedBlock();
    store.subscribe(() => {
      if (selectedBlock() === block || !store.get().people.length) return;
      block = selectedBlock();
      void report(urls.presence as string);
    });
  }
  if (urls.stream) listen(urls.stream);
}

const selectedBlock = (): string | null => store.get().selection.blocks[0] ?? null;

async function report(url: string): Promise<void> {
  try {
    const { body } = await call<{ people: Person[] }>(url, {
      body: { tab: TAB, block: selectedBlock() },
      byHand: false,
    });
    const before = JSON.stringify(store.get().people);
    if (JSON.stringify(body.people) !== before) store.set({ people: body.people });
  } catch {
    // Saving says when the server cannot be reached.
  }
}

const AGAIN_MILLISECONDS = 30_000;

function listen(url: string): void {
  const source = new EventSource(url);
  // A refused stream (too many are open) stays closed, unlike one that broke off.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(url), AGAIN_MILLISECONDS);
  });
  source.addEventListener("revision", (event) => {
    const { revision } = JSON.parse((event as MessageEvent<string>).data) as { revision: number };
    void saver.heardOf(revision);
  });
}
