// What ran when: a row for each block and step of the try, with a bar on one scale.

import { useEffect, useReducer } from "preact/hooks";
import { agentsOf, blockOf, nameOf, runOrder, type DesignDocument } from "../document";
import { isOver } from "../run";
import { store, useStore, type BlockRun, type Run, type StepRun } from "../store";
import { duration } from "../words";
import { StateSign } from "./StateSign";

const WIDTH = 240;
const TICK_MILLISECONDS = 250;

interface Span {
  from: number;
  to: number | null;
}

export function TimeLine({ run }: { run: Run }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const isGoing = !isOver(run);
  useEffect(() => {
    if (!isGoing) return;
    const timer = setInterval(() => tick(undefined as never), TICK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [isGoing]);
  const selected = useStore((state) => state.selection.blocks[0] ?? null);
  const scale = scaleOf(run);
  const ids = runOrder(run.document).filter((id) => run.only === null || id === run.only);
  return (
    <div class="time-line">
      <table>
        <thead>
          <tr>
            <th scope="col">Block and step</th>
            <th scope="col" class="bars"><Ticks length={scale.length} /></th>
            <th scope="col" class="num">Took</th>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => <Rows key={id} id={id} run={run} scale={scale} isSelected={id === selected} isGoing={isGoing} />)}
        </tbody>
      </table>
    </div>
  );
}

interface RowsProps {
  id: string;
  run: Run;
  scale: Scale;
  isSelected: boolean;
  isGoing: boolean;
}

function Rows({ id, run, scale, isSelected, isGoing }: RowsProps) {
  const block = run.blocks[id];
  const name = blockOf(run.document, id);
  const status = block?.status ?? "pending";
  // A block that never began in a run that has ended was not reached.
  const state = status === "pending" ? (isGoing ? "queued" : "not_reached") : status;
  const steps = block?.steps ?? [];
  const isOne = steps.length === 1 && !steps[0]?.agent;
  return (
    <>
      <tr class={isSelected ? "selected" : ""} onClick={() => store.select({ blocks: [id] })}>
        <th scope="row">
          <button type="button" class="row" onClick={() => store.select({ blocks: [id] })}>
            <StateSign state={state} />
            <span class="cut strong">{name ? nameOf(name) : id}</span>
          </button>
        </th>
        <td class="bars"><Bar span={spanOf(block)} scale={scale} kind="block" state={status} /></td>
        <td class="num">{duration(block?.milliseconds ?? null)}</td>
      </tr>
      {!isOne && steps.map((step) => <StepRow key={step.key} step={step} run={run} scale={scale} isSelected={isSelected} />)}
    </>
  );
}

function StepRow({ step, run, scale, isSelected }: { step: StepRun; run: Run; scale: Scale; isSelected: boolean }) {
  const from = step.startedAt;
  const span = from === null ? null : { from, to: step.milliseconds === null ? null : from + step.milliseconds };
  return (
    <tr class={isSelected ? "step-row selected" : "step-row"}>
      <th scope="row"><span class="cut">{stepName(step, run.document)}</span></th>
      <td class="bars"><Bar span={span} scale={scale} kind="step" state={step.status} /></td>
      <td class="num">{duration(step.milliseconds)}</td>
    </tr>
  );
}

function stepName(step: StepRun, document: DesignDocument): string {
  const block = blockOf(document, step.block);
  const agent = block && agentsOf(block).find(({ id }) => id === step.agent);
  const name = agent?.name || step.agent || step.purpose;
  const purpose = step.purpose && step.purpose !== "answer" ? `, ${step.purpose.replaceAll("_", " ")}` : "";
  return `${name}${purpose}${step.round > 1 ? `, round ${step.round}` : ""}`;
}

// --- Bars -----------------------------------------------------------------------------------------

interface Scale {
  start: number;
  length: number;
}

/** From the first start to the last end, or to now. */
function scaleOf(run: Run): Scale {
  const spans = Object.values(run.blocks).map(spanOf).filter((span): span is Span => span !== null);
  const start = Math.min(...spans.map(({ from }) => from), spans.length ? Infinity : Date.now());
  const end = Math.max(...spans.map(({ to }) => to ?? Date.now()), start + 1);
  return { start, length: end - start };
}

function spanOf(block: BlockRun | undefined): Span | null {
  if (!block || block.startedAt === null) return null;
  return { from: block.startedAt, to: block.milliseconds === null ? null : block.startedAt + block.milliseconds };
}

function Bar({ span, scale, kind, state }: { span: Span | null; scale: Scale; kind: string; state: string }) {
  if (!span) return null;
  const x = Math.max(0, ((span.from - scale.start) / scale.length) * WIDTH);
  const width = Math.max(1.5, (((span.to ?? Date.now()) - span.from) / scale.length) * WIDTH);
  return (
    <svg viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
      <rect class={`span ${kind} ${state}`} x={Math.min(x, WIDTH - 1.5)} y={kind === "block" ? 2 : 1} width={Math.min(width, WIDTH - Math.min(x, WIDTH - 1.5))} height={kind === "block" ? 6 : 8} rx="1" />
    </svg>
  );
}

function Ticks({ length }: { length: number }) {
  return (
    <span class="ticks">
      {[0, 0.5, 1].map((share) => <span key={share}>{duration(share * length) || "0 s"}</span>)}
    </span>
  );
}
