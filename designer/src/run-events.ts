// What the events of a run and its record say, as plain functions from one state of a run to the next.

import { agentsOf, blockOf, connectionsOf, isObject, same, type Connection, type DesignDocument } from "./document";
import { paletteEntry, type BlockRun, type BlockStatus, type Run, type RunStatus, type StepRun } from "./store";

interface Usage {
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
  model_calls: number;
}

export interface ExecutionDetail {
  status: RunStatus;
  degraded: boolean;
  duration_ms: number | null;
  result_data: unknown;
  error: { message: string } | null;
  usage: Usage;
  only?: string | null;
  blocks: { block_id: string; status: BlockStatus; output: unknown; error: unknown; started_at: string | null; completed_at: string | null; usage: Usage }[];
}

const EMPTY: BlockRun = {
  status: "pending",
  startedAt: null,
  milliseconds: null,
  tokens: null,
  cost: null,
  output: undefined,
  error: null,
  agents: {},
  steps: [],
  isEdited: false,
};

const timeOf = (text: unknown): number | null => {
  const time = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
};
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The run after an event of its stream (`docs/api.md` lists them). */
export function withEvent(run: Run, name: string, data: Record<string, unknown>): Run {
  switch (name) {
    case "execution":
      return { ...run, status: (textOf(data.status) ?? run.status) as RunStatus };
    case "block":
      return withBlockEvent(run, data);
    case "started":
      return withStarted(run, data);
    case "delta":
      return withDelta(run, data);
    case "step":
      return withStep(run, data);
    default:
      return run;
  }
}

function changed(run: Run, id: unknown, recipe: (block: BlockRun) => BlockRun): Run {
  if (typeof id !== "string") return run;
  return { ...run, blocks: { ...run.blocks, [id]: recipe(run.blocks[id] ?? EMPTY) } };
}

function withBlockEvent(run: Run, data: Record<string, unknown>): Run {
  const status = (textOf(data.status) ?? "pending") as BlockStatus;
  const [startedAt, endedAt] = [timeOf(data.started_at), timeOf(data.completed_at)];
  const next = changed(run, data.block_id, (block) => ({
    ...block,
    status,
    startedAt,
    milliseconds: startedAt !== null && endedAt !== null ? endedAt - startedAt : null,
    output: data.output ?? undefined,
    error: errorText(data.error),
    agents: status === "running" ? block.agents : stopped(block.agents),
  }));
  return withWires(next, isObject(data) ? data : {});
}

const stopped = (agents: BlockRun["agents"]): BlockRun["agents"] =>
  Object.fromEntries(Object.entries(agents).map(([id, agent]) => [id, { ...agent, isRunning: false }]));

function errorText(error: unknown): string | null {
  return isObject(error) ? textOf(error.message) : null;
}

function withStarted(run: Run, data: Record<string, unknown>): Run {
  const agent = textOf(data.agent_id);
  return changed(run, data.block_id, (block) => {
    const step: StepRun = {
      key: textOf(data.step) ?? "",
      block: textOf(data.block_id) ?? "",
      agent,
      purpose: textOf(data.purpose) ?? "",
      round: numberOf(data.round) ?? 1,
      startedAt: timeOf(data.at) ?? Date.now(),
      milliseconds: null,
      tokens: null,
      cost: null,
      status: "running",
    };
    const steps = [...block.steps.filter(({ key }) => key !== step.key), step];
    const agents = agent ? { ...block.agents, [agent]: { text: "", isRunning: true, milliseconds: null } } : block.agents;
    return { ...block, steps, agents };
  });
}

function withDelta(run: Run, data: Record<string, unknown>): Run {
  const agent = textOf(data.agent_id);
  if (!agent) return run;
  return changed(run, data.block_id, (block) => {
    const before = block.agents[agent]?.text ?? "";
    const text = before.slice(0, numberOf(data.at) ?? 0) + (textOf(data.text) ?? "");
    return { ...block, agents: { ...block.agents, [agent]: { text, isRunning: true, milliseconds: null } } };
  });
}

function withStep(run: Run, data: Record<string, unknown>): Run {
  const agent = textOf(data.agent_id);
  const key = textOf(data.key) ?? "";
  const milliseconds = numberOf(data.duration_ms);
  const tokens = (numberOf(data.input_tokens) ?? 0) + (numberOf(data.output_tokens) ?? 0);
  const cost = data.cost_usd == null ? null : String(data.cost_usd);
  return changed(run, data.block_id, (block) => {
    const earlier = block.steps.find((step) => step.key === key);
    const step: StepRun = {
      key,
      block: textOf(data.block_id) ?? "",
      agent,
      purpose: textOf(data.purpose) ?? "",
      round: numberOf(data.round_number) ?? 1,
      startedAt: earlier?.startedAt ?? (milliseconds === null ? null : Date.now() - milliseconds),
      milliseconds,
      tokens: data.model ? tokens : null,
      cost,
      status: data.status === "failed" ? "failed" : "completed",
    };
    const steps = [...block.steps.filter((row) => row.key !== key), step];
    const text = textOf(data.text) ?? block.agents[agent ?? ""]?.text ?? "";
    const agents = agent ? { ...block.agents, [agent]: { text, isRunning: false, milliseconds } } : block.agents;
    const asked = steps.filter((row) => row.tokens !== null);
    return {
      ...block,
      steps,
      agents,
      tokens: asked.length ? asked.reduce((sum, row) => sum + (row.tokens ?? 0), 0) : null,
      cost: summed(asked.map((row) => row.cost)),
    };
  });
}

const summed = (costs: (string | null)[]): string | null =>
  costs.length && costs.every((cost) => cost !== null)
    ? String(costs.reduce((sum, cost) => sum + Number(cost), 0))
    : null;

/** Which connections were taken: said with the block that they lead to if not all of them were, else read from states
 * and routes. */
function withWires(run: Run, data: Record<string, unknown>): Run {
  const taken: string[] = [];
  const notTaken: string[] = [];
  const said = Array.isArray(data.taken) ? new Set(data.taken) : null;
  for (const link of connectionsOf(run.document)) {
    if (said && link.target === data.block_id) {
      (said.has(link.id) ? taken : notTaken).push(link.id);
      continue;
    }
    // Nothing reached a block that was skipped, whatever its wires looked like before.
    if (run.blocks[link.target]?.status === "skipped") notTaken.push(link.id);
    else if (run.taken.includes(link.id)) taken.push(link.id);
    else if (run.notTaken.includes(link.id)) notTaken.push(link.id);
    else {
      const way = wayOf(run, link);
      if (way !== null) (way ? taken : notTaken).push(link.id);
    }
  }
  return { ...run, taken, notTaken };
}

function wayOf(run: Run, link: Connection): boolean | null {
  const from = run.blocks[link.source];
  const to = run.blocks[link.target];
  if (from?.status === "skipped" || from?.status === "failed") return false;
  if (from?.status !== "completed") return null;
  const block = blockOf(run.document, link.source);
  const route = link.route ?? link.target;
  const entry = block && paletteEntry(block.type);
  if (entry?.routes?.length) {
    // A decision takes the connections of its route; those without a route, if it is the first one.
    const isChosen = isObject(from.output) && (link.route ?? entry.routes[0]) === from.output.decision;
    if (!isChosen || !link.when) return isChosen;
  }
  const routes = isObject(from.output) ? from.output.route : undefined;
  if (block && entry?.chooses_routes && agentsOf(block).length === 1 && routes !== undefined) {
    const isChosen = Array.isArray(routes) ? routes.includes(route) : routes === route;
    // A condition may keep a chosen one from being taken: its target tells.
    if (!isChosen || !link.when) return isChosen;
  }
  return to && to.status !== "pending" ? true : null;
}

export function withRecord(run: Run, record: ExecutionDetail): Run {
  const blocks = { ...run.blocks };
  for (const row of record.blocks) {
    const before = blocks[row.block_id] ?? EMPTY;
    const [startedAt, endedAt] = [timeOf(row.started_at), timeOf(row.completed_at)];
    blocks[row.block_id] = {
      ...before,
      status: row.status,
      startedAt,
      milliseconds: startedAt !== null && endedAt !== null ? endedAt - startedAt : null,
      output: row.output ?? before.output,
      error: errorText(row.error),
      tokens: row.usage.model_calls ? row.usage.input_tokens + row.usage.output_tokens : null,
      cost: row.usage.cost_usd === null ? null : String(row.usage.cost_usd),
    };
  }
  const { usage } = record;
  const next: Run = {
    ...run,
    status: record.status,
    isDegraded: record.degraded,
    milliseconds: record.duration_ms,
    only: record.only ?? run.only,
    output: record.result_data,
    error: record.error?.message ?? null,
    tokens: usage.model_calls ? usage.input_tokens + usage.output_tokens : null,
    cost: usage.cost_usd === null ? null : String(usage.cost_usd),
    blocks,
  };
  return withWires(next, {});
}

/** Marks the blocks that were edited since the run began. */
export function withEdits(run: Run, document: DesignDocument): Run {
  let differs = false;
  const blocks: Run["blocks"] = {};
  for (const [id, block] of Object.entries(run.blocks)) {
    const [now, then] = [blockOf(document, id), blockOf(run.document, id)];
    const isEdited = now !== then && !same({ ...now, position: null }, { ...then, position: null });
    blocks[id] = isEdited === block.isEdited ? block : { ...block, isEdited };
    differs ||= isEdited !== block.isEdited;
  }
  return differs ? { ...run, blocks } : run;
}
