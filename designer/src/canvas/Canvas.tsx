// The canvas: blocks and wires of the draft, moved and connected by hand.

import { ReactFlow, ReactFlowProvider, SelectionMode, useStoreApi, type NodeChange, type ReactFlowInstance, type Viewport } from "@xyflow/react";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pasteText, readFragment } from "../clipboard";
import { moveBlocks } from "../edit";
import { NOTHING, store, useStore } from "../store";
import "../styles/canvas.css";
import { addBlockAt, BLOCK_TYPE } from "./adding";
import { Block } from "./Block";
import { useCell } from "./cell";
import { startKeys } from "./commands";
import { EmptyCanvas } from "./EmptyCanvas";
import { focusBlock, focusGround } from "./focus";
import { HEAD, WIDTH } from "./geometry";
import { MiniMap } from "./MiniMap";
import { feetOf, Nodes, type BlockNode, type Shown } from "./nodes";
import { Picker } from "./Picker";
import { boxesOf, eye, layOut, placesOf, watchPlaces } from "./places";
import { RunBar } from "./RunBar";
import { ToolBar } from "./ToolBar";
import { attach, attachRoot, canvasElement, FAR, fitAtOnce, isPhone, isWhole, MAX_ZOOM, MIN_ZOOM, moving, picking, size, toCanvas, viewport } from "./view";
import { firstBlock } from "./walking";
import { Wires } from "./Wires";

const NODE_TYPES = { block: Block } as never;
const NO_EDGES: never[] = [];
/** The left and the middle one. */
const PAN_BUTTONS = [0, 1];
const PARTIAL = SelectionMode.Partial;
const GRID: [number, number] = [16, 16];

export function Canvas() {
  const root = useRef<HTMLDivElement>(null);
  const [isMeasured, measured] = useState(false);
  useLayoutEffect(() => {
    const element = root.current as HTMLDivElement;
    attachRoot(element);
    const measure = () => {
      const wasWhole = isWhole();
      size.set({ width: element.clientWidth, height: element.clientHeight });
      const { document } = store.get();
      if (wasWhole && document) fitAtOnce(boxesOf(document));
      // A canvas without a size could not show the whole design at first.
      if (element.clientWidth && element.clientHeight) measured(true);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
      attachRoot(null);
    };
  }, []);
  useEffect(() => {
    const stops = [startKeys(), watchPlaces()];
    return () => stops.forEach((stop) => stop());
  }, []);
  return (
    <div class="canvas" ref={root} onDragOver={allowDrop} onDrop={drop} onDblClick={addHere}>
      {isMeasured && (
        <ReactFlowProvider>
          <Flow />
          <EmptyCanvas />
          <RunBar />
          <ToolBar />
          <MiniMap />
          <Picker />
        </ReactFlowProvider>
      )}
    </div>
  );
}

function Flow() {
  const document = useStore((state) => state.document)!;
  const selection = useStore((state) => state.selection);
  const focus = useStore((state) => state.focus);
  const problems = useStore((state) => state.problems);
  const warnings = useStore((state) => state.importWarnings);
  const feet = useStore((state) => feetOf(state.run));
  const readOnly = useStore((state) => state.readOnly);
  const isNarrow = useCell(isPhone);
  useCell(eye);
  const api = useStoreApi();
  const [nodes] = useState(() => new Nodes());
  const [start] = useState(() => fitAtOnce(boxesOf(document)));
  useLayoutEffect(() => seeViewport(start), []);
  useEffect(() => void placeFirst(), []);
  const shown: Omit<Shown, "moved"> = {
    document,
    places: placesOf(document),
    selection,
    stop: focus ?? firstBlock(document),
    problems,
    warnings,
    feet: new Set(feet.split("\n")),
  };
  const latest = useRef(shown);
  latest.current = shown;
  // A drag passes the components by: its frames reach blocks and wires at the same time.
  const follow = () => api.getState().setNodes(nodes.of({ ...latest.current, moved: moving.get() }));
  useEffect(() => moving.subscribe(follow), []);
  const list = nodes.of({ ...shown, moved: moving.get() });
  const isFixed = readOnly || isNarrow;
  return (
    <ReactFlow
      className={isFixed ? "fixed" : ""}
      aria-label="Canvas"
      tabIndex={list.length ? -1 : 0}
      nodes={list}
      edges={NO_EDGES}
      nodeTypes={NODE_TYPES}
      onInit={attach as unknown as (flow: ReactFlowInstance<BlockNode>) => void}
      defaultViewport={start}
      onViewportChange={seeViewport}
      onNodesChange={takeChanges}
      onSelectionStart={startBox}
      onSelectionEnd={endBox}
      selectionMode={PARTIAL}
      selectNodesOnDrag={false}
      onNodeClick={clickNode}
      onNodeDoubleClick={openInspector}
      onPaneClick={clickPane}
      minZoom={MIN_ZOOM}
      maxZoom={MAX_ZOOM}
      nodesDraggable={!isFixed}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      disableKeyboardA11y
      deleteKeyCode={null}
      panActivationKeyCode={null}
      zoomActivationKeyCode={null}
      multiSelectionKeyCode="Shift"
      selectionKeyCode="Shift"
      panOnDrag={PAN_BUTTONS}
      panOnScroll
      panOnScrollSpeed={1}
      zoomOnDoubleClick={false}
      snapToGrid
      snapGrid={GRID}
      nodeDragThreshold={3}
      attributionPosition="bottom-left"
    >
      <Wires />
    </ReactFlow>
  );
}

// --- Seeing ---------------------------------------------------------------------------------------

/** Blocks that all lie on one spot, or have no place, are laid out for the eye. */
async function placeFirst(): Promise<void> {
  const { document } = store.get();
  if (!document || !(await layOut(document))) return;
  const now = store.get().document;
  if (now) fitAtOnce(boxesOf(now));
}

/** The dots move with the blocks; far away, blocks show less. */
function seeViewport(view: Viewport): void {
  viewport.set(view);
  const root = canvasElement();
  if (!root) return;
  const step = GRID[0] * view.zoom * (view.zoom < 0.5 ? 2 : 1);
  root.style.backgroundSize = `${step}px ${step}px`;
  root.style.backgroundPosition = `${view.x}px ${view.y}px`;
  root.toggleAttribute("data-far", view.zoom < FAR);
}

// --- Selecting and moving -------------------------------------------------------------------------

let isBoxing = false;

/** A box around blocks selects them anew. */
function startBox(): void {
  isBoxing = true;
  store.select(NOTHING);
}

function endBox(): void {
  isBoxing = false;
}

function takeChanges(changes: NodeChange<BlockNode>[]): void {
  if (isBoxing) takeSelection(changes);
  const places = new Map(moving.get() ?? []);
  let isOver = false;
  for (const change of changes) {
    if (change.type !== "position" || !change.position) continue;
    places.set(change.id, change.position);
    isOver ||= change.dragging === false;
  }
  if (!places.size) return;
  if (!moving.get()) selectDragged([...places.keys()]);
  moving.set(places);
  if (!isOver) return;
  const name = places.size === 1 ? "Move a block" : `Move ${places.size} blocks`;
  store.change(name, (document) => moveBlocks(document, places));
  moving.set(null);
}

function takeSelection(changes: NodeChange<BlockNode>[]): void {
  const blocks = new Set(store.get().selection.blocks);
  for (const change of changes) {
    if (change.type !== "select") continue;
    if (change.selected) blocks.add(change.id);
    else blocks.delete(change.id);
  }
  store.select({ blocks: [...blocks] });
}

function selectDragged(ids: string[]): void {
  const { blocks } = store.get().selection;
  if (!ids.every((id) => blocks.includes(id))) store.select({ blocks: ids });
}

/** Shift adds to the selection, or takes out of it. */
function clickNode(event: MouseEvent, node: BlockNode): void {
  const agent = (event.target as Element).closest<HTMLElement>("[data-agent]")?.dataset.agent;
  const { blocks } = store.get().selection;
  if (!event.shiftKey) store.select({ blocks: [node.id], agent: agent ? { block: node.id, agent } : null });
  else if (blocks.includes(node.id)) store.select({ blocks: blocks.filter((id) => id !== node.id) });
  else store.select({ blocks: [...blocks, node.id] });
  focusBlock(node.id, false);
}

/** A double click on an empty spot asks for the block that is to be there. */
function addHere(event: MouseEvent): void {
  if (!(event.target as Element).matches(".react-flow__pane") || store.get().readOnly || isPhone.get()) return;
  const { x, y } = toCanvas({ x: event.clientX, y: event.clientY });
  picking.set({ kind: "add", behind: null, at: { x: x - WIDTH / 2, y: y - HEAD / 2 } });
}

function openInspector(): void {
  store.set({ inspector: { isOpen: true, field: "/label" } });
}

function clickPane(): void {
  store.select(NOTHING);
  focusGround();
}

// --- Dropping: blocks of the palette, and files -----------------------------------------------------

const hasFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

function allowDrop(event: DragEvent): void {
  const isBlock = event.dataTransfer?.types.includes(BLOCK_TYPE) && !store.get().readOnly;
  if (!event.dataTransfer || !(isBlock || hasFile(event))) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
}

function drop(event: DragEvent): void {
  const type = event.dataTransfer?.getData(BLOCK_TYPE);
  if (!type && !hasFile(event)) return;
  event.preventDefault();
  if (!type) return void dropFile(event.dataTransfer?.files[0]);
  const { x, y } = toCanvas({ x: event.clientX, y: event.clientY });
  const link = (event.target as Element).closest("[data-link]")?.getAttribute("data-link");
  addBlockAt(type, { x: x - WIDTH / 2, y: y - HEAD / 2 }, { behind: null, ...(link ? { link } : {}) });
}

/** Blocks that were copied are pasted; a design is shown as what it would become. */
async function dropFile(file: File | undefined): Promise<void> {
  const text = await file?.text();
  const { data, readOnly } = store.get();
  if (text === undefined) return;
  if (!readOnly && readFragment(text)) pasteText(text);
  else if (!readOnly || data.rights.create) store.set({ dialog: { name: "import", about: text } });
}
