// Parts of the page that come in a bundle of their own: fetched when the page has started, or by the
// first wish for them.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { announce, store } from "../store";

type Panels = typeof import("../panels");
export type PanelName = Exclude<keyof Panels, "showTools">;

let panels: Panels | null = null;
let fetching: Promise<Panels> | null = null;
let tries = 0;

export async function fetchPanels(): Promise<Panels> {
  // A browser may remember a module that it could not fetch, by its address.
  const address = () => `${store.get().data.urls.designer_panels}${tries ? `?try=${tries}` : ""}`;
  fetching ??= import(address()) as Promise<Panels>;
  try {
    panels = await fetching;
  } catch (error) {
    fetching = null;
    tries += 1;
    throw error;
  }
  return panels;
}

/** Fetched before they are wished for, so that they are there when the connection is lost. */
export function fetchPanelsSoon(): void {
  const fetchNow = () => void fetchPanels().catch(() => undefined);
  if ("requestIdleCallback" in globalThis) requestIdleCallback(fetchNow, { timeout: 2_000 });
  else setTimeout(fetchNow, 500);
}

/** The panels, or null as long as they are on their way; `again` asks anew after a failure. */
export function usePanels(): { panels: Panels | null; again: (() => void) | null } {
  const [, render] = useState(0);
  const [isFailed, fail] = useState(false);
  const ask = () => {
    fail(false);
    fetchPanels().then(() => render((count) => count + 1), () => fail(true));
  };
  useEffect(() => {
    if (!panels) ask();
  }, []);
  return { panels, again: isFailed ? ask : null };
}

export function Later({ name }: { name: PanelName }) {
  const { panels: found, again } = usePanels();
  if (again) return <NotFetched again={again} />;
  if (!found) return <p class="dock-empty" aria-busy="true" />;
  const Part = found[name] as ComponentType;
  return <Part />;
}

export function NotFetched({ again }: { again: () => void }) {
  useEffect(() => announce("This part could not be loaded."), []);
  return (
    <p class="dock-empty soft">
      This part could not be loaded. <button class="button small" type="button" onClick={again}>Try again</button>
    </p>
  );
}
