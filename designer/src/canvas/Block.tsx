// A block on the canvas: its kind, label, agents, problems, and what the last try made of it.

import type { NodeProps } from "@xyflow/react";
import { memo } from "preact/compat";
import { agentsOf, type Agent } from "../document";
import { Pictogram, StateSign, stateWord } from "../panels/StateSign";
import { isOver } from "../run";
import { paletteEntry, useStore, type BlockRun, type Person } from "../store";
import { duration, money } from "../words";
import { MAX_ROWS, words } from "./geometry";
import { hasFoot, type BlockNode } from "./nodes";
import { labelOf } from "./walking";
import { startWire } from "./wiring";

type Props = NodeProps<BlockNode>;

const isSame = (one: Props, other: Props): boolean => one.data === other.data && one.id === other.id;

export const Block = memo(function Block({ data }: Props) {
  const { block, problems, warning } = data;
  const run = useStore((state) => state.run?.blocks[block.id] ?? null);
  const hasEnded = useStore((state) => isOver(state.run));
  const chosen = useStore((state) => (state.selection.agent?.block === block.id ? state.selection.agent.agent : null));
  const label = labelOf(block);
  const kind = paletteEntry(block.type)?.label ?? block.type;
  const state = run && shownState(run, hasEnded);
  const agents = agentsOf(block);
  const classes = ["block", state ?? "", problems ? "bad" : ""].filter(Boolean).join(" ");
  return (
    <div class={classes}>
      <div class="block-head">
        <span class="tile"><Pictogram type={block.type} /></span>
        <span class="block-name">
          <b title={label}>{label}</b>
          <span class="block-kind">{subtitle(kind, run, state)}</span>
        </span>
        {state && <StateSign state={state} />}
        <Ports block={block.id} agent={null} />
      </div>
      {agents.slice(0, MAX_ROWS).map((agent) => (
        <Row key={agent.id} block={block.id} agent={agent} run={run} isChosen={agent.id === chosen} />
      ))}
      {agents.length > MAX_ROWS && <div class="block-row more">+ {agents.length - MAX_ROWS} more</div>}
      {run && hasFoot(run.status) && <Foot run={run} />}
      {problems > 0 && <span class="block-problems" title={problems === 1 ? "1 problem" : `${problems} problems`}>{problems}</span>}
      {warning && <span class="block-problems warning" title={warning}>!</span>}
      <People id={block.id} />
    </div>
  );
}, isSame as never);

/** A try that has ended is not waited for any more: what it has not begun was not reached. */
function shownState(run: BlockRun, hasEnded: boolean): string {
  return run.status === "pending" ? (hasEnded ? "not_reached" : "queued") : run.status;
}


/** The kind, unless the try has something to say. */
function subtitle(kind: string, run: BlockRun | null, state: string | null): string {
  if (run?.isEdited) return "Edited since";
  if (state === "skipped") return "Not taken";
  if (state === "waiting") return stateWord("waiting");
  if (!run || state !== "running") return kind;
  const round = Math.max(0, ...run.steps.map((step) => step.round));
  return round > 1 ? `Running, round ${round}` : "Running";
}

interface RowProps {
  block: string;
  agent: Agent;
  run: BlockRun | null;
  isChosen: boolean;
}

function Row({ block, agent, run, isChosen }: RowProps) {
  const name = words(agent.name) || agent.id;
  const part = run?.agents[agent.id];
  const classes = `block-row${part?.isRunning ? " running" : ""}${isChosen ? " selected" : ""}`;
  return (
    <div class={classes} data-agent={agent.id}>
      <span class="cut" title={name}>{name}</span>
      {part?.isRunning ? (
        <span class="block-text">{lastWords(part.text)}</span>
      ) : (
        <span class="block-figure">{part?.milliseconds != null ? duration(part.milliseconds) : run ? "" : modelOf(agent)}</span>
      )}
      <Ports block={block} agent={agent.id} />
    </div>
  );
}

/** The model that an agent has of its own, without its provider. */
function modelOf(agent: Agent): string {
  const model = words(Array.isArray(agent.model) ? agent.model[0] : agent.model);
  return model.slice(model.indexOf(":") + 1);
}

const LAST_CHARACTERS = 40;

/** The end of a text as it comes. */
function lastWords(text: string): string {
  const line = text.trimEnd().split("\n").at(-1) ?? "";
  return line.length > LAST_CHARACTERS ? `…${line.slice(-LAST_CHARACTERS)}` : line || "…";
}

function Foot({ run }: { run: BlockRun }) {
  const left = run.tokens ? `${run.tokens.toLocaleString("en")} tok` : duration(run.milliseconds);
  const right = run.tokens ? money(run.cost) : run.status === "completed" ? "no model" : "";
  return (
    <div class="block-foot">
      <span>{run.status === "failed" && !run.tokens ? stateWord("failed") : left}</span>
      <span>{right}</span>
    </div>
  );
}

function Ports({ block, agent }: { block: string; agent: string | null }) {
  const port = (side: "source" | "target") => (
    <i
      class={`port ${side === "source" ? "out" : "in"}${agent ? " agent" : ""} nodrag nopan`}
      onPointerDown={(event) => startWire(event, { side, block, agent })}
    />
  );
  return (
    <>
      {port("target")}
      {port("source")}
    </>
  );
}

const NOBODY: Person[] = [];
const samePeople = (one: Person[], other: Person[]): boolean =>
  one.length === other.length && one.every((person, index) => person === other[index]);

/** Who else is looking at this block. */
function People({ id }: { id: string }) {
  const people = useStore((state) => (state.people.length ? state.people.filter((person) => person.block === id) : NOBODY), samePeople);
  if (!people.length) return null;
  return (
    <span class="block-people">
      {people.map((person) => (
        <span class="face" key={person.name} title={`${person.name} is looking at this block`}>{person.initials}</span>
      ))}
    </span>
  );
}
