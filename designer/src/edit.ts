// Changes of a document, each as a plain function from one document to the next.

import {
  agentsOf,
  blockOf,
  connectionsOf,
  isObject,
  upstream,
  type Agent,
  type Block,
  type Connection,
  type DesignDocument,
  type PatchStep,
  type Position,
} from "./document";
import type { PaletteEntry } from "./store";

export const ID = /^[a-z][a-z0-9_]{0,63}$/;

/** `clerk`, or `clerk_2`, `clerk_3` … if it is taken. */
export function freeId(wanted: string, taken: Iterable<string>): string {
  const used = new Set(taken);
  const base = idFrom(wanted);
  if (!used.has(base)) return base;
  const stem = base.replace(/_\d+$/, "").slice(0, 58);
  let number = 2;
  while (used.has(`${stem}_${number}`)) number += 1;
  return `${stem}_${number}`;
}

/** A valid id that is like the text: `Billing desk` → `billing_desk`. */
export function idFrom(text: string): string {
  const plain = text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const id = plain.replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 64);
  return id || "block";
}

const blockIds = (document: DesignDocument) => document.blocks.map((block) => block.id);
const linkIds = (document: DesignDocument) => connectionsOf(document).map((link) => link.id);

// --- Blocks ---------------------------------------------------------------------------------------

export function addBlock(
  document: DesignDocument,
  entry: PaletteEntry,
  position: Position,
): { document: DesignDocument; id: string } {
  const id = freeId(entry.label, blockIds(document));
  const sameType = document.blocks.filter((block) => block.type === entry.type).length;
  const block: Block = {
    id,
    type: entry.type,
    label: sameType ? `${entry.label} ${sameType + 1}` : entry.label,
    position,
  };
  if (entry.has_agents) {
    block.task = "";
    block.agents = structuredClone(entry.agents);
  }
  if (Object.keys(entry.settings).length) block.settings = structuredClone(entry.settings);
  return { document: { ...document, blocks: [...document.blocks, block] }, id };
}

export function changeBlock(
  document: DesignDocument,
  id: string,
  recipe: (block: Block) => Block,
): DesignDocument {
  const blocks = document.blocks.map((block) => (block.id === id ? recipe(block) : block));
  return { ...document, blocks };
}

export function changeLink(
  document: DesignDocument,
  id: string,
  recipe: (link: Connection) => Connection,
): DesignDocument {
  const connections = connectionsOf(document).map((link) => (link.id === id ? recipe(link) : link));
  return { ...document, connections };
}

export function moveBlocks(document: DesignDocument, places: Map<string, Position>): DesignDocument {
  const blocks = document.blocks.map((block) => {
    const position = places.get(block.id);
    return position ? { ...block, position } : block;
  });
  return { ...document, blocks };
}

/** Removes blocks with their connections, and connections. */
export function remove(document: DesignDocument, blocks: string[], links: string[] = []): DesignDocument {
  const gone = new Set(blocks);
  const goneLinks = new Set(links);
  return {
    ...document,
    blocks: document.blocks.filter((block) => !gone.has(block.id)),
    connections: connectionsOf(document).filter(
      (link) => !goneLinks.has(link.id) && !gone.has(link.source) && !gone.has(link.target),
    ),
  };
}

// --- Connections ----------------------------------------------------------------------------------

export interface Ends {
  source: string;
  target: string;
  source_agent?: string | null;
  target_agent?: string | null;
}

export const ALREADY = "These two are connected already.";

/** Why these ends cannot be connected, as a sentence, or null. */
export function whyNotConnected(document: DesignDocument, ends: Ends): string | null {
  if (!blockOf(document, ends.source) || !blockOf(document, ends.target)) return "There is no such block.";
  if (ends.source === ends.target) return "A block cannot follow itself.";
  if (upstream(document, ends.source).has(ends.target)) return "The blocks would go in a circle.";
  return isConnected(document, ends) ? ALREADY : null;
}

/** There is a connection between just these ends that is always taken. */
export const isConnected = (document: DesignDocument, ends: Ends): boolean =>
  connectionsOf(document).some((link) => hasEnds(link, ends) && !link.route && !link.when);

export const hasEnds = (link: Connection, ends: Ends): boolean =>
  link.source === ends.source &&
  link.target === ends.target &&
  (link.source_agent ?? null) === (ends.source_agent ?? null) &&
  (link.target_agent ?? null) === (ends.target_agent ?? null);

export function connect(
  document: DesignDocument,
  ends: Ends,
): { document: DesignDocument; id: string } {
  const id = freeId(`${ends.source}_to_${ends.target}`.slice(0, 64), linkIds(document));
  const link: Connection = { id, source: ends.source, target: ends.target };
  if (ends.source_agent) link.source_agent = ends.source_agent;
  if (ends.target_agent) link.target_agent = ends.target_agent;
  return { document: { ...document, connections: [...connectionsOf(document), link] }, id };
}

/** Puts a new block into a connection: what came before leads to it, and it leads on. */
export function insertOnWire(
  document: DesignDocument,
  linkId: string,
  entry: PaletteEntry,
  position: Position,
): { document: DesignDocument; id: string } {
  const link = connectionsOf(document).find((row) => row.id === linkId);
  const added = addBlock(document, entry, position);
  if (!link) return added;
  const { target, target_agent: targetAgent } = link;
  const first = changeLink(added.document, linkId, ({ target_agent: _, ...row }) => ({ ...row, target: added.id }));
  const ends: Ends = { source: added.id, target, target_agent: targetAgent ?? null };
  return { document: connect(first, ends).document, id: added.id };
}

// --- Agents ---------------------------------------------------------------------------------------

export function addAgent(document: DesignDocument, blockId: string, like: Partial<Agent>): { document: DesignDocument; id: string } {
  const block = blockOf(document, blockId);
  const taken = block ? agentsOf(block).map((agent) => agent.id) : [];
  const id = freeId(like.id ?? like.name ?? "agent", taken);
  const agent: Agent = { name: "", system_prompt: "", ...like, id };
  const changed = changeBlock(document, blockId, (row) => ({ ...row, agents: [...agentsOf(row), agent] }));
  return { document: changed, id };
}

export function changeAgent(
  document: DesignDocument,
  blockId: string,
  agentId: string,
  recipe: (agent: Agent) => Agent,
): DesignDocument {
  return changeBlock(document, blockId, (block) => ({
    ...block,
    agents: agentsOf(block).map((agent) => (agent.id === agentId ? recipe(agent) : agent)),
  }));
}

/** Removes an agent with the connections that start or end at it. */
export function removeAgent(document: DesignDocument, blockId: string, agentId: string): DesignDocument {
  const changed = changeBlock(document, blockId, (block) => ({
    ...block,
    agents: agentsOf(block).filter((agent) => agent.id !== agentId),
  }));
  const connections = connectionsOf(changed).filter(
    (link) =>
      !(link.source === blockId && link.source_agent === agentId) &&
      !(link.target === blockId && link.target_agent === agentId),
  );
  return { ...changed, connections };
}

export function moveAgent(document: DesignDocument, blockId: string, agentId: string, to: number): DesignDocument {
  return changeBlock(document, blockId, (block) => {
    const agents = [...agentsOf(block)];
    const from = agents.findIndex((agent) => agent.id === agentId);
    const place = Math.max(0, Math.min(to, agents.length - 1));
    if (from < 0 || from === place) return block;
    const [agent] = agents.splice(from, 1);
    agents.splice(place, 0, agent as Agent);
    return { ...block, agents };
  });
}

// --- Values by JSON pointer -----------------------------------------------------------------------

const keysOf = (pointer: string): string[] =>
  pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

export function valueAt(part: unknown, pointer: string): unknown {
  let value: unknown = part;
  for (const key of keysOf(pointer)) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isObject(value)) value = value[key];
    else return undefined;
  }
  return value;
}

/** A copy with the value at the pointer; `undefined` removes the key. Objects on the way are made. */
export function withValue<T>(part: T, pointer: string, value: unknown): T {
  return set(part, keysOf(pointer), value) as T;
}

function set(part: unknown, keys: string[], value: unknown): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(part)) {
    const list = [...part];
    const place = key === "-" ? list.length : Number(key);
    if (rest.length === 0 && value === undefined) list.splice(place, 1);
    else list[place] = set(list[place], rest, value);
    return list;
  }
  const object = isObject(part) ? { ...part } : {};
  const inner = set(object[key], rest, value);
  if (inner === undefined) delete object[key];
  else object[key] = inner;
  return object;
}

/** Applies a fix of the server (RFC 6902: add, remove, replace). */
export function patched(document: DesignDocument, patch: PatchStep[]): DesignDocument {
  return patch.reduce((state, step) => {
    if (step.op === "remove") return withValue(state, step.path, undefined);
    const keys = keysOf(step.path);
    const parent = valueAt(state, step.path.slice(0, step.path.lastIndexOf("/")));
    if (step.op === "add" && Array.isArray(parent) && keys.at(-1) !== "-") {
      const list = [...parent];
      list.splice(Number(keys.at(-1)), 0, step.value);
      return withValue(state, step.path.slice(0, step.path.lastIndexOf("/")), list);
    }
    return withValue(state, step.path, step.value);
  }, document);
}

// --- Renaming -------------------------------------------------------------------------------------

/** Renames a block's id everywhere: connections, routes, templates and expressions. */
export function renameBlock(document: DesignDocument, from: string, to: string): DesignDocument {
  const routers = new Set(connectionsOf(document).filter((link) => link.target === from).map((link) => link.source));
  const targets = new Set(connectionsOf(document).filter((link) => link.source === from).map((link) => link.target));
  const blocks = document.blocks.map((block) => {
    const isReader = targets.has(block.id);
    const renamed = textsRenamed(block, (text, isTemplate) => renamedIn(text, from, to, isTemplate, isReader)) as Block;
    const id = block.id === from ? to : block.id;
    const route = renamed.settings?.default_route;
    const settings =
      routers.has(block.id) && route === from ? { settings: { ...renamed.settings, default_route: to } } : {};
    return id === renamed.id && !("settings" in settings) ? renamed : { ...renamed, id, ...settings };
  });
  const connections = connectionsOf(document).map((link) => {
    const when = link.when ? renamedIn(link.when, from, to, false, false) : link.when;
    const source = link.source === from ? to : link.source;
    const target = link.target === from ? to : link.target;
    const isSame = when === link.when && source === link.source && target === link.target;
    return isSame ? link : { ...link, source, target, ...(link.when ? { when } : {}) };
  });
  const output = document.output;
  const shaped = output ? { output: renamedIn(output, from, to, output.includes("{{"), false) } : {};
  return { ...document, blocks, connections, ...shaped };
}

/** Renames an agent's id with the connections and the default route that name it. */
export function renameAgent(document: DesignDocument, blockId: string, from: string, to: string): DesignDocument {
  const changed = changeBlock(document, blockId, (block) => {
    const agents = agentsOf(block).map((agent) => (agent.id === from ? { ...agent, id: to } : agent));
    const settings = block.settings?.default_route === from ? { ...block.settings, default_route: to } : block.settings;
    return settings === undefined ? { ...block, agents } : { ...block, agents, settings };
  });
  const connections = connectionsOf(changed).map((link) => ({
    ...link,
    ...(link.source === blockId && link.source_agent === from ? { source_agent: to } : {}),
    ...(link.target === blockId && link.target_agent === from ? { target_agent: to } : {}),
  }));
  return { ...changed, connections };
}

const TEMPLATES = new Set(["task", "system_prompt", "template"]);
const EXPRESSIONS = new Set(["expression"]);

/** All templates and expressions in a value, changed; the value itself if nothing changes. */
export function textsRenamed(value: unknown, recipe: (text: string, isTemplate: boolean) => string): unknown {
  if (Array.isArray(value)) {
    const list = value.map((item) => textsRenamed(item, recipe));
    return list.some((item, place) => item !== value[place]) ? list : value;
  }
  if (!isObject(value)) return value;
  const changed: Record<string, unknown> = {};
  let differs = false;
  for (const [key, inner] of Object.entries(value)) {
    const isTemplate = TEMPLATES.has(key);
    changed[key] =
      typeof inner === "string" && (isTemplate || EXPRESSIONS.has(key))
        ? recipe(inner, isTemplate)
        : textsRenamed(inner, recipe);
    differs ||= changed[key] !== inner;
  }
  return differs ? changed : value;
}

function renamedIn(text: string, from: string, to: string, isTemplate: boolean, isReader: boolean): string {
  const inside = (expression: string) => {
    const renamed = expression.replace(pathPattern("blocks", from), `$1${to}`);
    return isReader ? renamed.replace(pathPattern("incoming", from), `$1${to}`) : renamed;
  };
  if (!isTemplate) return inside(text);
  return text.replace(/(\\?)\{\{([\s\S]*?)\}\}/g, (whole, escape: string, body: string) =>
    escape ? whole : `{{${inside(body)}}}`,
  );
}

// A draft, or what is pasted, may have ids that are not valid, such as `a(b`.
const pathPattern = (root: string, id: string) =>
  new RegExp(`(\\b${root}\\s*\\.\\s*)"?${id.replace(/[^\w]/g, "\\$&")}\\b"?`, "g");
