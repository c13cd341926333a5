// The design document as the server defines it. A draft may lack anything that is optional there.

export interface Position {
  x: number;
  y: number;
}

export type ModelChoice = string | string[] | null;

export interface Agent {
  id: string;
  name?: string;
  role?: string;
  system_prompt?: string;
  model?: ModelChoice;
  output_schema?: Record<string, unknown> | null;
  max_output_tokens?: number | null;
  timeout_seconds?: number | null;
  [key: string]: unknown;
}

export interface Block {
  id: string;
  type: string;
  label?: string;
  task?: string;
  agents?: Agent[];
  settings?: Record<string, unknown>;
  timeout_seconds?: number | null;
  retries?: number;
  on_error?: string;
  default?: unknown;
  position?: Position;
  [key: string]: unknown;
}

export interface Connection {
  id: string;
  source: string;
  target: string;
  source_agent?: string | null;
  target_agent?: string | null;
  route?: string | null;
  when?: string | null;
  [key: string]: unknown;
}

export interface DesignDocument {
  schema?: number;
  name?: string;
  description?: string;
  model?: ModelChoice;
  input_schema?: Record<string, unknown> | null;
  output_schema?: Record<string, unknown> | null;
  blocks: Block[];
  connections?: Connection[];
  output?: string | null;
  [key: string]: unknown;
}

/** RFC 6902, as far as the server uses it. */
export interface PatchStep {
  op: "add" | "remove" | "replace";
  path: string;
  value?: unknown;
}

export interface Problem {
  path: string;
  message: string;
  fix?: { label: string; patch: PatchStep[] } | null;
}

export interface Bound {
  calls: number;
  calls_with_retries: number;
  tokens_out: number | null;
  cost_usd: string | null;
  unpriced: string[];
  blocks?: Record<string, { calls: number; tokens_out: number | null; cost_usd: string | null }>;
}

export const connectionsOf = (document: DesignDocument): Connection[] => document.connections ?? [];
export const agentsOf = (block: Block): Agent[] => block.agents ?? [];
export const blockOf = (document: DesignDocument, id: string | null): Block | undefined =>
  document.blocks.find((block) => block.id === id);
export const nameOf = (block: Block): string => block.label || block.id;
export const agentName = (agent: Agent): string => agent.name || agent.id;

/**
 * Why a draft cannot be drawn, or null. Drafts may be any JSON value; what cannot be drawn is
 * mended in the JSON tab.
 */
export function whyNotDrawn(raw: unknown): string | null {
  if (!isObject(raw)) return "The draft is not a JSON object.";
  if (!Array.isArray(raw.blocks)) return "`blocks` is not a list.";
  const links = raw.connections ?? [];
  if (!Array.isArray(links)) return "`connections` is not a list.";
  const seen = new Set<string>();
  for (const block of raw.blocks) {
    if (!isObject(block) || typeof block.id !== "string" || typeof block.type !== "string") {
      return "A block has no `id` or no `type`.";
    }
    if (seen.has(block.id)) return `Two blocks have the id \`${block.id}\`.`;
    seen.add(block.id);
    const reason = whyAgentsNotDrawn(block.agents ?? []);
    if (reason) return reason;
    if (block.settings != null && !isObject(block.settings)) return "`settings` is not an object.";
  }
  const ids = new Set<string>();
  for (const link of links) {
    if (!isObject(link) || typeof link.id !== "string") return "A connection has no `id`.";
    if (typeof link.source !== "string" || typeof link.target !== "string") {
      return `The connection \`${link.id}\` has no source or no target.`;
    }
    if (ids.has(link.id)) return `Two connections have the id \`${link.id}\`.`;
    ids.add(link.id);
  }
  return null;
}

function whyAgentsNotDrawn(agents: unknown): string | null {
  if (!Array.isArray(agents)) return "`agents` is not a list.";
  const seen = new Set<string>();
  for (const agent of agents) {
    if (!isObject(agent) || typeof agent.id !== "string") return "An agent has no `id`.";
    if (seen.has(agent.id)) return `Two agents of a block have the id \`${agent.id}\`.`;
    seen.add(agent.id);
  }
  return null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values; shared objects are equal at once. */
export function same(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, place) => same(item, other[place]));
  }
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    return keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
  }
  return false;
}

/** Block ids in run order: each after all that lead to it; a cycle's blocks come last. */
export function runOrder(document: DesignDocument): string[] {
  const waiting = new Map(document.blocks.map((block) => [block.id, 0]));
  const targets = new Map<string, string[]>();
  for (const link of connectionsOf(document)) {
    if (!waiting.has(link.source) || !waiting.has(link.target)) continue;
    waiting.set(link.target, (waiting.get(link.target) ?? 0) + 1);
    targets.set(link.source, [...(targets.get(link.source) ?? []), link.target]);
  }
  const order: string[] = [];
  const ready = [...waiting].filter(([, count]) => count === 0).map(([id]) => id);
  while (ready.length) {
    const id = ready.shift() as string;
    order.push(id);
    waiting.delete(id);
    for (const target of targets.get(id) ?? []) {
      const count = (waiting.get(target) ?? 1) - 1;
      waiting.set(target, count);
      if (count === 0) ready.push(target);
    }
  }
  return [...order, ...waiting.keys()];
}

/** Ids of all blocks from which a block can be reached. */
export function upstream(document: DesignDocument, id: string): Set<string> {
  const found = new Set<string>();
  const open = [id];
  while (open.length) {
    const target = open.pop();
    for (const link of connectionsOf(document)) {
      if (link.target === target && !found.has(link.source) && link.source !== id) {
        found.add(link.source);
        open.push(link.source);
      }
    }
  }
  return found;
}
