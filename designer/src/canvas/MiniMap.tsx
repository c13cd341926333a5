// All of the design in the corner, with the part that is seen. Pressing or dragging in it goes there.

import { useRef } from "preact/hooks";
import { useStore } from "../store";
import { useCell } from "./cell";
import { boundsOf, type Box } from "./geometry";
import { boxesOf, eye } from "./places";
import { center, moving, seen, showsMap, size, viewport } from "./view";

const FROM_BLOCKS = 9;
const MARGIN = 24;

/** Shown from nine blocks on, until somebody switches it. */
export const hasMap = (choice: boolean | null, blocks: number): boolean => choice ?? blocks >= FROM_BLOCKS;

export function MiniMap() {
  const document = useStore((state) => state.document);
  const choice = useCell(showsMap);
  useCell(eye);
  if (!document?.blocks.length || !hasMap(choice, document.blocks.length)) return null;
  return <Map boxes={boxesOf(document)} />;
}

function Map({ boxes }: { boxes: Box[] }) {
  const picture = useRef<SVGSVGElement>(null);
  const all = boundsOf(boxes) as Box;
  const frame = {
    x: all.x - MARGIN,
    y: all.y - MARGIN,
    width: all.width + 2 * MARGIN,
    height: all.height + 2 * MARGIN,
  };
  const go = (event: PointerEvent) => {
    const svg = picture.current;
    const matrix = svg?.getScreenCTM()?.inverse();
    if (!svg || !matrix || !(event.buttons & 1)) return;
    svg.setPointerCapture(event.pointerId);
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    center({ x, y });
  };
  return (
    <svg
      ref={picture}
      class="canvas-map"
      viewBox={`${frame.x} ${frame.y} ${frame.width} ${frame.height}`}
      aria-hidden="true"
      onPointerDown={go}
      onPointerMove={go}
    >
      <Boxes boxes={boxes} />
      <Seen frame={frame} />
    </svg>
  );
}

function Boxes({ boxes }: { boxes: Box[] }) {
  useCell(moving);
  return (
    <path
      class="boxes"
      d={boxes.map(({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`).join("")}
    />
  );
}

function Seen({ frame }: { frame: Box }) {
  useCell(viewport);
  useCell(size);
  const view = seen();
  const left = Math.max(view.x, frame.x);
  const top = Math.max(view.y, frame.y);
  const width = Math.max(0, Math.min(view.x + view.width, frame.x + frame.width) - left);
  const height = Math.max(0, Math.min(view.y + view.height, frame.y + frame.height) - top);
  return <rect class="seen" x={left} y={top} width={width} height={height} />;
}
