// The tools of the canvas: undo, zoom, fit, map, tidy, keys. One stop of Tab; arrows walk it.

import { useRef } from "preact/hooks";
import { Icon, type IconName } from "../panels/Icon";
import { store, useStore } from "../store";
import { useCell } from "./cell";
import { fitAll, redoNext, undoLast } from "./commands";
import { hasMap } from "./MiniMap";
import { tidy } from "./places";
import { isPhone, showsMap, viewport, zoomStep, zoomTo } from "./view";

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
      tabIndex={-1}
      aria-label={label}
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
  const isNarrow = useCell(isPhone);
  const isFixed = useStore((state) => state.readOnly) || isNarrow;
  const count = useStore((state) => state.document?.blocks.length ?? 0);
  const map = hasMap(useCell(showsMap), count);
  const root = useRef<HTMLDivElement>(null);
  return (
    <div
      class="canvas-tools"
      role="toolbar"
      aria-label="Canvas tools"
      tabIndex={0}
      ref={root}
      onKeyDown={(event) => walk(event, root.current as HTMLElement)}
    >
      {!isFixed && <UndoTools />}
      <Tool icon="minus" label="Zoom out" keys="-" run={() => zoomStep(-1)} />
      <Zoom />
      <Tool icon="plus" label="Zoom in" keys="+" run={() => zoomStep(1)} />
      <Tool icon="fit" label="Fit" isNamed keys="f" run={fitAll} />
      {!isNarrow && <Tool icon="map" label="Map" isPressed={map} run={() => showsMap.set(!map)} />}
      {!isNarrow && <span class="rule" />}
      {!isFixed && <Tool icon="tidy" label="Tidy" isNamed keys="t" run={() => void tidy()} />}
      {!isNarrow && <Tool icon="keyboard" label="Keys" keys="?" run={() => store.set({ dialog: { name: "keys" } })} />}
    </div>
  );
}

function walk(event: KeyboardEvent, root: HTMLElement): void {
  const tools = [...root.querySelectorAll("button")];
  const place = tools.indexOf(document.activeElement as HTMLButtonElement);
  const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tools.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  tools[(next + tools.length) % tools.length]?.focus();
}

function UndoTools() {
  const undo = useStore((state) => state.undoName);
  const redo = useStore((state) => state.redoName);
  return (
    <>
      <Tool icon="undo" label={undo === null ? "Undo" : `Undo: ${undo}`} isOff={undo === null} run={undoLast} />
      <Tool icon="redo" label={redo === null ? "Redo" : `Redo: ${redo}`} isOff={redo === null} run={redoNext} />
      <span class="rule" />
    </>
  );
}

function Zoom() {
  const { zoom } = useCell(viewport);
  return (
    <button class="button bare zoom" type="button" tabIndex={-1} title="100 % (0)" onClick={() => zoomTo(1)}>
      <span class="visually-hidden">Zoom </span>{Math.round(zoom * 100)} %
    </button>
  );
}
