// What a field of a block can read: `input.…` from the schema, outputs of the blocks upstream.

import { agentsOf, blockOf, isObject, nameOf, upstream, type Agent, type Block, type DesignDocument } from "./document";
import { paletteEntry, store, type Shape } from "./store";

export interface Suggestion {
  path: string;
  hint: string;
  /** Of a function, with its arguments; the path is its name. */
  usage?: string;
}

const MAX_DEPTH = 4;

/** Everything that can be named at this block; null: at the design's result, which sees all. */
export function namesFor(document: DesignDocument, blockId: string | null): Suggestion[] {
  const found: Suggestion[] = [{ path: "input", hint: "the whole input" }];
  ofSchema(document.input_schema, "input", 0, found);
  const seen = blockId === null ? new Set(document.blocks.map(({ id }) => id)) : upstream(document, blockId);
  const direct = (document.connections ?? []).filter((link) => link.target === blockId).map((link) => link.source);
  if (direct.length) found.push({ path: "incoming", hint: direct.length === 1 ? "what arrives" : "by block" });
  for (const id of seen) {
    const block = blockOf(document, id);
    if (!block) continue;
    const path = `blocks.${id}.output`;
    found.push({ path, hint: nameOf(block) });
    ofShape(shapeOf(block), path, block, found);
    if (direct.length === 1 && direct[0] === id) ofShape(shapeOf(block), "incoming", block, found);
  }
  for (const name of ["id", "trigger", "started_at"]) found.push({ path: `execution.${name}`, hint: "this run" });
  for (const { name, usage, summary } of store.get().data.functions ?? []) found.push({ path: name, hint: summary, usage });
  return found;
}

function ofSchema(schema: unknown, path: string, depth: number, found: Suggestion[]): void {
  if (!isObject(schema) || !isObject(schema.properties) || depth > MAX_DEPTH) return;
  for (const [name, inner] of Object.entries(schema.properties)) {
    const here = `${path}.${/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name)}`;
    const type = isObject(inner) ? [inner.type].flat().join(" or ") : "";
    found.push({ path: here, hint: type.replace("string", "text") });
    ofSchema(inner, here, depth + 1, found);
  }
}

function ofShape(shape: Shape, path: string, block: Block, found: Suggestion[]): void {
  if (shape.kind === "by_agent") {
    for (const agent of agentsOf(block)) {
      found.push({ path: `${path}.${agent.id}`, hint: agent.name || "text" });
      ofSchema(agent.output_schema, `${path}.${agent.id}`, 0, found);
    }
  }
  if (shape.answer) ofSchema(answering(shape.answer, block)?.output_schema, path, 0, found);
  for (const [name, inner] of Object.entries(shape.fields ?? {})) {
    found.push({ path: `${path}.${name}`, hint: inner.kind });
    ofShape(inner, `${path}.${name}`, block, found);
  }
}

/** The agent whose answer is the block's output; with `any` of them, one with a form. */
function answering(which: NonNullable<Shape["answer"]>, block: Block): Agent | undefined {
  const agents = agentsOf(block);
  if (which === "last") return agents.at(-1);
  if (which === "any") return agents.find((agent) => agent.output_schema);
  const roles = which === "manager" ? ["manager"] : ["manager", "moderator"];
  return agents.find((agent) => roles.includes(agent.role ?? "")) ?? agents[0];
}

/** The shape of this block's output, by the cases of its pattern. */
function shapeOf(block: Block): Shape {
  const entry = paletteEntry(block.type);
  const shape = entry?.output ?? { kind: "any" };
  for (const { when, shape: other } of shape.cases ?? []) {
    const holds = Object.entries(when).every(([key, allowed]) => valuesOf(block, key).some((value) => allowed.includes(value)));
    if (holds) return other;
  }
  return shape;
}

function valuesOf(block: Block, key: string): unknown[] {
  if (key === "agents") return [agentsOf(block).length];
  if (key === "/agents/*/role") return agentsOf(block).map((agent) => agent.role);
  return [block.settings?.[key.replace("/settings/", "")] ?? null];
}

/** What is being typed at the caret, or null where nothing is to be completed. */
export function typedAt(text: string, caret: number, isTemplate: boolean): { from: number; word: string } | null {
  const before = text.slice(0, caret);
  if (isTemplate) {
    const open = before.lastIndexOf("{{");
    if (open < 0 || before.slice(open).includes("}}") || before[open - 1] === "\\") return null;
  }
  const word = /[A-Za-z0-9_.]*$/.exec(before)?.[0] ?? "";
  // A variable of the expression's own.
  if (before.charAt(caret - word.length - 1) === "$") return null;
  return { from: caret - word.length, word };
}

export function matching(names: Suggestion[], word: string): Suggestion[] {
  const wanted = word.toLowerCase();
  const starts = names.filter(({ path }) => path.toLowerCase().startsWith(wanted));
  const contains = names.filter(({ path }) => !path.toLowerCase().startsWith(wanted) && path.toLowerCase().includes(wanted));
  return [...starts, ...contains].filter(({ path }) => path !== word).slice(0, 8);
}

/** The text with the name or function put in, and where the caret goes; a placeholder is closed. */
export function completed(text: string, from: number, caret: number, chosen: Suggestion, isTemplate: boolean): { text: string; caret: number } {
  const before = text.slice(0, from);
  const after = text.slice(caret);
  const lead = isTemplate && before.endsWith("{{") ? " " : "";
  const close = isTemplate && !/^\s*\}\}/.test(after) && !/^[^{]*\}\}/.test(after) ? " }}" : "";
  if (chosen.usage === undefined || after.startsWith("(")) {
    const put = `${before}${lead}${chosen.path}${close}`;
    return { text: put + after, caret: put.length };
  }
  // The caret goes between the brackets, unless nothing stands there.
  const put = `${before}${lead}${chosen.path}(`;
  return { text: `${put})${close}${after}`, caret: put.length + (chosen.usage.endsWith("()") ? 1 : 0) };
}
