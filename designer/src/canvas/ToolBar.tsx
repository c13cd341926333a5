// The tools of the canvas: undo, zoom, fit, map, tidy, keys.

import { Icon, type IconName } from "../panels/Icon";
import { store, useStore } from "../store";
import { useCell } from "./cell";
import { fitAll } from "./commands";
import { hasMap } from "./MiniMap";
import { tidy } from "./places";
import { showsMap, viewport, zoomStep, zoomTo } from "./view";

interface ToolProps {
  icon: IconName;
  label: string;
  /** Shown beside the icon; otherwise the label is its name alone. */
  isNamed?: boolean;
  keys?: string;
  isOff?: boolean;
  isPressed?: boolean;
  run: () => void;
}

function Tool({ icon, label, isNamed, keys, isOff = false, isPressed, run }: ToolProps) {
  return (
    <button
      class={isNamed ? "button bare" : "button bare square"}
      type="button"
      aria-label={isNamed ? undefined : label}
      aria-disabled={isOff || undefined}
      aria-pressed={isPressed}
      title={keys ? `${label} (${keys})` : label}
      onClick={() => !isOff && run()}
    >
      <Icon name={icon} small />
      {isNamed && <span>{label}</span>}
    </button>
  );
}

export function ToolBar() {
  const readOnly = useStore((state) => state.readOnly);
  const map = useMap();
  return (
    <div class="canvas-tools" role="toolbar" aria-label="Canvas tools">
      {!readOnly && <UndoTools />}
      <Tool icon="minus" label="Zoom out" keys="-" run={() => zoomStep(-1)} />
      <Zoom />
      <Tool icon="plus" label="Zoom in" keys="+" run={() => zoomStep(1)} />
      <Tool icon="fit" label="Fit" isNamed keys="f" run={fitAll} />
      <Tool icon="map" label="Map" isPressed={map} run={() => showsMap.set(!map)} />
      <span class="rule" />
      {!readOnly && <Tool icon="tidy" label="Tidy" isNamed keys="t" run={() => void tidy()} />}
      <Tool icon="keyboard" label="Keys" keys="?" run={() => store.set({ dialog: { name: "keys" } })} />
    </div>
  );
}

export function useMap(): boolean {
  const count = useStore((state) => state.document?.blocks.length ?? 0);
  return hasMap(useCell(showsMap), count);
}

function UndoTools() {
  const undo = useStore((state) => state.undoName);
  const redo = useStore((state) => state.redoName);
  return (
    <>
      <Tool icon="undo" label={undo === null ? "Undo" : `Undo: ${undo}`} isOff={undo === null} run={() => store.undo()} />
      <Tool icon="redo" label={redo === null ? "Redo" : `Redo: ${redo}`} isOff={redo === null} run={() => store.redo()} />
      <span class="rule" />
    </>
  );
}

function Zoom() {
  const { zoom } = useCell(viewport);
  return (
    <button class="button bare zoom" type="button" title="100 % (0)" onClick={() => zoomTo(1)}>
      <span class="visually-hidden">Zoom </span>{Math.round(zoom * 100)} %
    </button>
  );
}
