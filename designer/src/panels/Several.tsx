// Several blocks: what their fields have in common, changed for all of them as one step.

import { contentOf } from "../bind";
import { duplicateSelection } from "../clipboard";
import { agentsOf, blockOf, isObject, same, type Agent, type Block, type DesignDocument } from "../document";
import { changeBlock, remove, withValue } from "../edit";
import { store, useStore } from "../store";
import { counted } from "../words";
import { Fields } from "./Fields";
import { Icon } from "./Icon";

/** Sections of one block that make sense for several; texts and ids are each block's own. */
const SHARED_SECTIONS = ["settings", "failure"];

export function Several({ ids, document }: { ids: string[]; document: DesignDocument }) {
  const readOnly = useStore((state) => state.readOnly);
  const blocks = ids.flatMap((id) => blockOf(document, id) ?? []);
  const types = [...new Set(blocks.map(({ type }) => type))].sort();
  const agents = blocks.flatMap(agentsOf);
  const models = store.get().data.models.map((value) => ({ value, label: value }));
  const key = ids.join(" ");
  const writeBlocks = (pointer: string, value: unknown, group: string | null) =>
    store.change(`Change ${blocks.length} blocks`, (now) => onAll(now, ids, (block) => withValue(block, pointer, value)), group && `${key}${pointer}`);
  const writeAgents = (pointer: string, value: unknown) =>
    store.change(`Change the model of ${counted(agents.length, "agent")}`, (now) =>
      onAll(now, ids, (block) => (block.agents ? { ...block, agents: agentsOf(block).map((agent) => withValue(agent, pointer, value)) } : block)));
  return (
    <>
      <header class="inspector-head">
        <div>
          <h2>{blocks.length} blocks</h2>
          <span class="small faint">What is changed here is changed in all of them.</span>
        </div>
      </header>
      <div class="inspector-body">
        {!readOnly && (
          <div class="section several-verbs">
            <button class="button small" type="button" onClick={duplicateSelection}><Icon name="copy" small />Duplicate</button>
            <button class="button small danger" type="button" onClick={() => store.change(`Remove ${blocks.length} blocks`, (now) => remove(now, ids))}><Icon name="trash" small />Remove</button>
          </div>
        )}
        {agents.length > 0 && (
          <Fields
            template="inspector-agent"
            content={modelOnly}
            identity={`${key} agents`}
            context={{ part: common(agents), options: (name) => (name === "models" ? models : []), isMixed: mixedIn(agents) }}
            base="/-"
            write={writeAgents}
            blockId={null}
          />
        )}
        <Fields
          template={types.join(" ")}
          content={() => sharedContent(types)}
          identity={key}
          context={{ part: common(blocks), options: () => [], isMixed: mixedIn(blocks) }}
          base="/-"
          write={writeBlocks}
          blockId={ids[0] ?? null}
        />
      </div>
    </>
  );
}

function onAll(document: DesignDocument, ids: string[], recipe: (block: Block) => Block): DesignDocument {
  return ids.reduce((now, id) => changeBlock(now, id, recipe), document);
}

/** The value of each key that all have; objects are gone through, so that settings are shared one by one. */
export function common(parts: (Block | Agent | Record<string, unknown>)[]): Record<string, unknown> {
  const [first, ...others] = parts as Record<string, unknown>[];
  if (!first) return {};
  const keys = new Set(parts.flatMap((part) => Object.keys(part)));
  return Object.fromEntries(
    [...keys].flatMap((key): [string, unknown][] => {
      const values = [first, ...others].map((part) => part[key]);
      if (values.every((value) => same(value, values[0]))) return [[key, values[0]]];
      const objects = values.map((value) => value ?? {});
      return objects.every(isObject) ? [[key, common(objects)]] : [];
    }),
  );
}

/** Whether the value at a pointer differs among the parts. */
export function mixedIn(parts: unknown[]): (pointer: string) => boolean {
  return (pointer) => {
    const keys = pointer.split("/").slice(1);
    const at = (part: unknown) => keys.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), part) ?? null;
    return parts.some((part) => !same(at(part), at(parts[0])));
  };
}

// --- Which fields ---------------------------------------------------------------------------------

function modelOnly(): Node {
  const content = contentOf("inspector-agent");
  for (const field of content.querySelectorAll<HTMLElement>("[data-field]")) {
    if (field.dataset.field !== "/model") field.remove();
  }
  for (const group of content.querySelectorAll("details:not(:has([data-field]))")) group.remove();
  const title = Object.assign(globalThis.document.createElement("h3"), { textContent: "All agents" });
  content.querySelector("[data-section]")?.prepend(title);
  return content;
}

/** The fields that the server made alike for all of these types. */
function sharedContent(types: string[]): Node {
  const [content, ...others] = types.map((type) => contentOf(`inspector-${type}`));
  if (!content) return contentOf("");
  const known = others.map((other) => new Set([...other.querySelectorAll("[data-field]")].map((field) => field.outerHTML)));
  for (const section of content.querySelectorAll<HTMLElement>("[data-section], [data-slot]")) {
    if (!SHARED_SECTIONS.includes(section.dataset.section ?? "")) section.remove();
  }
  for (const field of content.querySelectorAll("[data-field]")) {
    if (!known.every((fields) => fields.has(field.outerHTML))) field.remove();
  }
  for (const empty of content.querySelectorAll("details:not(:has([data-field])), [data-section]:not(:has([data-field]))")) empty.remove();
  return content;
}
