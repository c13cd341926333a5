// The tools that an agent may call: chosen from those that are offered, each with its rules.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import { announce, store, useStore } from "../store";
import { Icon } from "./Icon";

interface Named {
  name: string;
  approval?: string | null;
  most_calls?: number | null;
}

type Choice = string | Named;

interface Offered {
  name: string;
  title: string;
  description: string;
  effect: string;
  approval: string;
}

export interface ToolListProps {
  /** For ids, as the server gave it. */
  id: string;
  describedBy: string;
  value: unknown;
  change: (tools: Choice[] | undefined) => void;
}

const EFFECTS: Record<string, string> = { read: "only reads", idempotent: "may be repeated", once: "never twice" };
const APPROVALS: Record<string, string> = { always: "asks before each call", after_untrusted: "asks after untrusted answers" };
const STRICTER = [
  ["", "as the tool says"],
  ["after_untrusted", "after untrusted answers"],
  ["always", "before each call"],
] as const;

/** Read once a page, when the first list of tools is shown. */
let reading: Promise<Offered[]> | null = null;

function offeredTools(): Promise<Offered[]> {
  const url = store.get().data.urls.api_tools;
  reading ??= url
    ? call<{ results: Offered[] }>(url).then(({ body }) => body.results, () => {
        reading = null;
        return [];
      })
    : Promise.resolve([]);
  return reading;
}

/** Into the group that the server made for it. */
export function showTools(group: HTMLElement, props: ToolListProps): void {
  render(<ToolList {...props} />, group);
}

function ToolList({ id, describedBy, value, change }: ToolListProps) {
  const readOnly = useStore((state) => state.readOnly);
  const [offered, setOffered] = useState<Offered[]>([]);
  useEffect(() => {
    let isHere = true;
    void offeredTools().then((found) => isHere && setOffered(found));
    return () => {
      isHere = false;
    };
  }, []);
  const tools = choicesOf(value);
  const names = tools.map(({ name }) => name);
  const write = (after: Named[]) => change(after.length ? after.map(shortest) : undefined);
  const alter = (place: number, part: Partial<Named>) => write(tools.map((tool, other) => (other === place ? { ...tool, ...part } : tool)));
  const remove = (place: number) => {
    write(tools.filter((_, other) => other !== place));
    announce(`Removed ${names[place]}.`);
  };
  const add = (field: HTMLInputElement) => {
    const name = field.value.trim();
    field.value = "";
    if (!name || names.includes(name)) return;
    write([...tools, { name }]);
    announce(`Added ${name}.`);
  };
  return (
    <>
      <ul class="tool-list" hidden={!tools.length}>
        {tools.map((tool, place) => (
          <ToolRow key={tool.name} tool={tool} known={offered.find(({ name }) => name === tool.name)} isRead={offered.length > 0} readOnly={readOnly} alter={(part) => alter(place, part)} remove={() => remove(place)} />
        ))}
      </ul>
      {!readOnly && (
        <>
          <input id={id} class="input" list={`${id}-offered`} autocomplete="off" placeholder="Add a tool" aria-label={tools.length ? "Another tool" : "A tool that it may call"} aria-describedby={describedBy} onChange={({ currentTarget }) => add(currentTarget)} />
          <datalist id={`${id}-offered`}>
            {offered.filter(({ name }) => !names.includes(name)).map((tool) => (
              <option key={tool.name} value={tool.name}>{`${tool.title || tool.description}`.slice(0, 80)}</option>
            ))}
          </datalist>
        </>
      )}
    </>
  );
}

interface RowProps {
  tool: Named;
  known: Offered | undefined;
  isRead: boolean;
  readOnly: boolean;
  alter: (part: Partial<Named>) => void;
  remove: () => void;
}

function ToolRow({ tool, known, isRead, readOnly, alter, remove }: RowProps) {
  const approval = tool.approval || (known && known.approval !== "never" ? known.approval : "");
  return (
    <li data-tool={tool.name}>
      <span class="row">
        <span class="mono cut" title={known?.description || tool.name}>{tool.name}</span>
        {!readOnly && (
          <button class="button bare square small end" type="button" aria-label={`Remove ${tool.name}`} onClick={remove}>
            <Icon name="close" small />
          </button>
        )}
      </span>
      <span class="row wrap small">
        {known && <span class="badge plain">{EFFECTS[known.effect] ?? known.effect}</span>}
        {approval && <span class="badge accent">{APPROVALS[approval] ?? approval}</span>}
        {isRead && !known && <span class="badge bad">not offered to you</span>}
      </span>
      {!readOnly && (
        <span class="row tool-rules">
          <select class="input small" aria-label={`When a person approves ${tool.name}`} value={tool.approval ?? ""} onChange={({ currentTarget }) => alter({ approval: currentTarget.value || null })}>
            {STRICTER.map(([word, label]) => <option key={word} value={word}>{label}</option>)}
          </select>
          <input class="input small" type="number" min="1" max="100" placeholder="any" aria-label={`Calls of ${tool.name} for one answer, at most`} title="Calls for one answer, at most" value={tool.most_calls ?? ""} onChange={({ currentTarget }) => alter({ most_calls: currentTarget.value ? Number(currentTarget.value) : null })} />
        </span>
      )}
    </li>
  );
}

/** What stands in the document, also if it is not right. */
function choicesOf(value: unknown): Named[] {
  const list = Array.isArray(value) ? value : [];
  return list.flatMap((one) => {
    if (typeof one === "string") return [{ name: one }];
    return one && typeof one === "object" && typeof (one as Named).name === "string" ? [one as Named] : [];
  });
}

/** A name alone, where nothing else is said of the tool. */
function shortest(tool: Named): Choice {
  const { approval, most_calls: most, ...rest } = tool;
  if (!approval && !most && Object.keys(rest).length === 1) return tool.name;
  return { ...rest, ...(approval ? { approval } : {}), ...(most ? { most_calls: most } : {}) };
}
