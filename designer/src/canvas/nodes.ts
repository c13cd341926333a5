// Blocks as the graph library's nodes. A node stays the same object until what it shows changes.

import type { Node } from "@xyflow/react";
import { connectionsOf, type Block, type DesignDocument, type Position, type Problem } from "../document";
import { paletteEntry, type Run, type Selection } from "../store";
import { WIDTH, heightOf, type Places } from "./geometry";
import { labelOf, spoken } from "./walking";

export interface BlockData extends Record<string, unknown> {
  block: Block;
  problems: number;
  /** What an import changed or left out in it. */
  warning: string;
}

export type BlockNode = Node<BlockData, "block">;

/** All that a node depends on; equal values mean the same node. */
interface Made {
  node: BlockNode;
  block: Block;
  problems: number;
  warning: string;
  isSelected: boolean;
  isStop: boolean;
  label: string;
  height: number;
}

export interface Shown {
  document: DesignDocument;
  places: Places;
  moved: Places | null;
  selection: Selection;
  /** The block that Tab leads to. */
  stop: string | null;
  problems: Problem[];
  warnings: Problem[];
  /** Ids of blocks with a line of figures. */
  feet: ReadonlySet<string>;
}

export class Nodes {
  private made = new Map<string, Made>();
  private list: BlockNode[] = [];

  of(shown: Shown): BlockNode[] {
    const { document, selection } = shown;
    const problems = messagesByBlock(shown.problems);
    const warnings = messagesByBlock(shown.warnings);
    const targets = targetsByBlock(document);
    const selected = new Set(selection.blocks);
    const made = new Map<string, Made>();
    const list = document.blocks.map((block, index) => {
      const count = problems.get(index)?.length ?? 0;
      const kind = paletteEntry(block.type)?.label ?? block.type;
      const next: Omit<Made, "node"> = {
        block,
        problems: count,
        warning: warnings.get(index)?.join("\n") ?? "",
        isSelected: selected.has(block.id),
        isStop: shown.stop === block.id,
        label: spoken(block, kind, count, targets.get(block.id) ?? []),
        height: heightOf(block, shown.feet.has(block.id)),
      };
      const place = shown.moved?.get(block.id) ?? (shown.places.get(block.id) as Position);
      const node = this.node(next, place);
      made.set(block.id, { ...next, node });
      return node;
    });
    this.made = made;
    const isSame = list.length === this.list.length && list.every((node, index) => node === this.list[index]);
    if (!isSame) this.list = list;
    return this.list;
  }

  private node(next: Omit<Made, "node">, position: Position): BlockNode {
    const old = this.made.get(next.block.id);
    const isSame =
      old !== undefined &&
      old.node.position.x === position.x &&
      old.node.position.y === position.y &&
      (Object.keys(next) as (keyof typeof next)[]).every((key) => old[key] === next[key]);
    if (isSame) return old.node;
    const { block, problems, warning, height } = next;
    const isSameData = old?.block === block && old.problems === problems && old.warning === warning;
    return {
      id: block.id,
      type: "block",
      position: { x: position.x, y: position.y },
      data: isSameData ? old.node.data : { block, problems, warning },
      selected: next.isSelected,
      width: WIDTH,
      height,
      measured: { width: WIDTH, height },
      handles: [],
      ariaLabel: next.label,
      ariaRole: "group",
      domAttributes: { tabIndex: next.isStop ? 0 : -1, "aria-roledescription": "block" },
    };
  }
}

/** What is said about each block, by its index. */
function messagesByBlock(problems: Problem[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const { path, message } of problems) {
    const index = /^\/blocks\/(\d+)/.exec(path)?.[1];
    if (index !== undefined) found.set(Number(index), [...(found.get(Number(index)) ?? []), message]);
  }
  return found;
}

/** Labels of the blocks that each block leads to. */
function targetsByBlock(document: DesignDocument): Map<string, string[]> {
  const labels = new Map(document.blocks.map((block) => [block.id, labelOf(block)]));
  const targets = new Map<string, string[]>();
  for (const { source, target } of connectionsOf(document)) {
    const label = labels.get(target);
    if (label === undefined) continue;
    const known = targets.get(source);
    if (!known) targets.set(source, [label]);
    else if (!known.includes(label)) known.push(label);
  }
  return targets;
}

/** Blocks that show figures of the try, as one text that is easily compared. */
export const feetOf = (run: Run | null): string =>
  run
    ? Object.entries(run.blocks)
        .filter(([, block]) => hasFoot(block.status))
        .map(([id]) => id)
        .join("\n")
    : "";

export const hasFoot = (status: string): boolean => status === "running" || status === "completed" || status === "failed";
