// Below the canvas: trying, problems, suggestions, and the draft as JSON.

import { useRef } from "preact/hooks";
import { store, useStore, type DockTab } from "../store";
import { Icon } from "./Icon";
import { Later, type PanelName } from "./Later";
import { RunState } from "./RunState";

const MIN_HEIGHT = 140;
const TAB_NAMES: [DockTab, string][] = [
  ["try", "Try it"],
  ["problems", "Problems"],
  ["suggestions", "Suggestions"],
  ["json", "JSON"],
];
const PANELS: Record<DockTab, PanelName> = { try: "TryIt", problems: "Problems", suggestions: "Suggestions", json: "JsonTab" };

export function Dock() {
  const dock = useStore((state) => state.dock);
  const isDrawn = useStore((state) => state.document !== null);
  const tabs = TAB_NAMES.filter(([tab]) => (isDrawn || tab === "json") && (tab !== "try" || store.get().data.rights.try));
  const shown = tabs.some(([tab]) => tab === dock.tab) ? dock.tab : "problems";
  const element = useRef<HTMLElement>(null);
  const close = () => store.set({ dock: { ...dock, isOpen: !dock.isOpen } });
  // By the object model, which the content security policy allows, unlike a style attribute.
  const size = (node: HTMLElement | null) => {
    element.current = node;
    node?.style.setProperty("--dock-height", `${dock.height}px`);
  };
  return (
    <section class={dock.isOpen ? "dock open" : "dock"} aria-label="Try it, problems, JSON" ref={size}>
      {dock.isOpen && <Handle />}
      <div class="dock-head">
        <div class="tabs" role="tablist" aria-label="Dock" onKeyDown={walkTabs}>
          {tabs.map(([tab, label]) => (
            <button
              key={tab}
              type="button"
              role="tab"
              id={`tab-${tab}`}
              aria-selected={dock.isOpen && shown === tab}
              aria-controls="dock-panel"
              tabIndex={shown === tab ? 0 : -1}
              onClick={() => store.openDock(tab)}
            >
              {label} <Count tab={tab} />
            </button>
          ))}
        </div>
        <RunState />
        <button class="button bare square small end" type="button" aria-label={dock.isOpen ? "Close the dock" : "Open the dock"} onClick={close}>
          <Icon name={dock.isOpen ? "down" : "up"} small />
        </button>
      </div>
      {dock.isOpen && (
        <div class="dock-panel" role="tabpanel" id="dock-panel" aria-labelledby={`tab-${shown}`}>
          <Later key={shown} name={PANELS[shown]} />
        </div>
      )}
    </section>
  );
}

function Count({ tab }: { tab: DockTab }) {
  const count = useStore((state) => (tab === "problems" ? state.problems.length : 0));
  return count ? <span class="count">{count}</span> : null;
}

function walkTabs(event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=tab]")];
  const place = tabs.indexOf(document.activeElement as HTMLElement);
  const next = tabs[(place + step + tabs.length) % tabs.length];
  next?.focus();
  next?.click();
}

/** The upper edge: dragged, or moved by arrows. */
function Handle() {
  const height = useStore((state) => state.dock.height);
  const most = () => Math.max(MIN_HEIGHT, innerHeight - 220);
  const set = (wanted: number) =>
    store.set({ dock: { ...store.get().dock, height: Math.round(Math.min(most(), Math.max(MIN_HEIGHT, wanted))) } });
  const drag = (event: PointerEvent) => {
    const handle = event.currentTarget as HTMLElement;
    const [from, before] = [event.clientY, height];
    handle.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => set(before + from - moved.clientY);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
  };
  return (
    <div
      class="dock-handle"
      role="separator"
      tabIndex={0}
      aria-orientation="horizontal"
      aria-label="Height of the dock"
      aria-valuenow={height}
      aria-valuemin={MIN_HEIGHT}
      aria-valuemax={most()}
      onPointerDown={drag}
      onKeyDown={(event) => {
        const step = { ArrowUp: 32, ArrowDown: -32 }[event.key];
        if (step) set(height + step);
      }}
    />
  );
}
