// At the left: what may be added, the graph as a list, and the input that callers give.

import { addBlockAt, BLOCK_TYPE } from "../canvas/adding";
import { store, useStore, type PaletteTab } from "../store";
import { Later } from "./Later";
import { Outline } from "./Outline";
import { Pictogram } from "./StateSign";

const TAB_NAMES: [PaletteTab, string][] = [["blocks", "Blocks"], ["outline", "Outline"], ["input", "Input"]];

export function Palette() {
  const palette = useStore((state) => state.palette);
  const readOnly = useStore((state) => state.readOnly);
  if (!palette.isOpen) return null;
  const tabs = TAB_NAMES.filter(([tab]) => tab !== "blocks" || !readOnly);
  const shown = tabs.some(([tab]) => tab === palette.tab) ? palette.tab : "outline";
  return (
    <aside class="palette" aria-label="Blocks, outline, input">
      <div class="tabs" role="tablist" aria-label="Palette">
        {tabs.map(([tab, label]) => (
          <button key={tab} type="button" role="tab" id={`palette-${tab}`} aria-selected={shown === tab} aria-controls="palette-panel" onClick={() => store.set({ palette: { isOpen: true, tab } })}>
            {label}
          </button>
        ))}
      </div>
      <div class="palette-panel" role="tabpanel" id="palette-panel" aria-labelledby={`palette-${shown}`}>
        {shown === "blocks" && <Blocks />}
        {shown === "outline" && <Outline />}
        {shown === "input" && <Later name="InputSchema" />}
      </div>
    </aside>
  );
}

function Blocks() {
  return (
    <>
      <ul class="palette-items">
        {store.get().data.palette.map((entry) => (
          <li key={entry.type}>
            <button
              type="button"
              class="palette-item"
              draggable
              onDragStart={(event) => event.dataTransfer?.setData(BLOCK_TYPE, entry.type)}
              onClick={() => addBlockAt(entry.type, undefined, { isConnected: true })}
            >
              <span class="tile"><Pictogram type={entry.type} /></span>
              <span>
                <b>{entry.label}</b>
                <span>{entry.summary}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <p class="palette-hint small faint">Drag a block onto the canvas, or press <kbd>/</kbd> and type. <kbd>?</kbd> shows all keys.</p>
    </>
  );
}
