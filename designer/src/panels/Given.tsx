// Outputs of the blocks that one block alone reads: from the shown run, or typed.

import { blockOf, connectionsOf, nameOf } from "../document";
import { store, useStore } from "../store";

interface GivenProps {
  only: string;
  /** Texts by block, as they were typed. */
  value: Record<string, string>;
  change: (value: Record<string, string>) => void;
}

/** The blocks that lead to it, and those that its texts name. */
function readBy(only: string): string[] {
  const { document } = store.get();
  const block = document && blockOf(document, only);
  if (!document || !block) return [];
  const sources = connectionsOf(document).filter((link) => link.target === only).map((link) => link.source);
  const named = [...JSON.stringify(block).matchAll(/blocks\s*\.\s*([a-z][a-z0-9_]*)/g)].map((match) => match[1] as string);
  return [...new Set([...sources, ...named])].filter((id) => id !== only && blockOf(document, id));
}

/** What is sent: typed outputs, else those of the shown run. */
export function givenFor(only: string, typed: Record<string, string>): Record<string, unknown> {
  const { run } = store.get();
  const given: Record<string, unknown> = {};
  for (const id of readBy(only)) {
    const text = typed[id];
    const output = text === undefined ? run?.blocks[id]?.output : read(text);
    if (output !== undefined) given[id] = output;
  }
  return given;
}

export function Given({ only, value, change }: GivenProps) {
  const run = useStore((state) => state.run);
  const document = useStore((state) => state.document);
  return (
    <>
      {readBy(only).map((id) => {
        const block = document && blockOf(document, id);
        const known = run?.blocks[id]?.output;
        const shown = value[id] ?? known;
        return (
          <div class="field" key={id}>
            <label for={`given-${id}`}>
              Output of {block ? nameOf(block) : id}
              {value[id] === undefined && known !== undefined && <span class="end faint">from this run</span>}
            </label>
            <textarea
              id={`given-${id}`}
              class="input"
              rows={2}
              value={shown === undefined ? "" : typeof shown === "string" ? shown : JSON.stringify(shown, null, 1)}
              onInput={({ currentTarget }) => change({ ...value, [id]: currentTarget.value })}
            />
          </div>
        );
      })}
    </>
  );
}

/** JSON objects and lists as such, anything else as the text that it is. */
function read(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
