// The models that are asked when the first cannot answer, in their order: added, moved, removed.

import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { announce, useStore } from "../store";
import { Icon } from "./Icon";

export interface ModelListProps {
  /** For ids, as the server gave it. */
  id: string;
  describedBy: string;
  names: string[];
  offered: string[];
  change: (names: string[]) => void;
}

/** Into the group that the server made for it. */
export function showModels(group: HTMLElement, props: ModelListProps): void {
  render(<ModelList {...props} />, group);
}

type Verb = "up" | "down" | "remove";

function ModelList({ id, describedBy, names, offered, change }: ModelListProps) {
  const readOnly = useStore((state) => state.readOnly);
  const list = useRef<HTMLOListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const wanted = useRef<{ name: string; verb: Verb } | null>(null);
  // A row that is moved in the page loses the focus.
  useEffect(() => {
    const { name, verb } = wanted.current ?? {};
    wanted.current = null;
    const row = [...(list.current?.children ?? [])].find((one) => one.getAttribute("data-name") === name);
    if (verb) (row?.querySelector<HTMLElement>(`[data-verb=${verb}]`) ?? input.current)?.focus();
  }, [names]);
  const move = (place: number, step: number, verb: Verb) => {
    const to = place + step;
    const name = names[place];
    if (readOnly || !name || to < 0 || to >= names.length) return;
    const after = [...names];
    after.splice(place, 1);
    after.splice(to, 0, name);
    wanted.current = { name, verb };
    change(after);
    announce(`${name} is number ${to + 1}.`);
  };
  const remove = (place: number) => {
    wanted.current = { name: names[place + 1] ?? names[place - 1] ?? "", verb: "remove" };
    change(names.filter((_, other) => other !== place));
    announce(`Removed ${names[place]}.`);
  };
  const add = (field: HTMLInputElement) => {
    const added = field.value.split(",").map((name) => name.trim()).filter((name) => name && !names.includes(name));
    field.value = "";
    if (added.length) change([...names, ...new Set(added)]);
  };
  const keys = (event: KeyboardEvent, place: number) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !step) return;
    event.preventDefault();
    // The agent around it has these keys, too.
    event.stopPropagation();
    move(place, step, step < 0 ? "up" : "down");
  };
  const verb = (name: Verb, label: string, run: () => void, isOff = false) => (
    <button class="button bare square small" type="button" data-verb={name} aria-label={label} aria-disabled={isOff} onClick={run}>
      <Icon name={name === "remove" ? "close" : name} small />
    </button>
  );
  return (
    <>
      <ol class="model-list" ref={list} hidden={!names.length}>
        {names.map((name, place) => (
          <li key={name} data-name={name} class="row" onKeyDown={(event) => keys(event, place)}>
            <span class="mono cut" title={name}>{name}</span>
            {!readOnly && (
              <span class="end agent-verbs">
                {verb("up", `Ask ${name} earlier (Alt ↑)`, () => move(place, -1, "up"), place === 0)}
                {verb("down", `Ask ${name} later (Alt ↓)`, () => move(place, 1, "down"), place === names.length - 1)}
                {verb("remove", `Remove ${name}`, () => remove(place))}
              </span>
            )}
          </li>
        ))}
      </ol>
      {!readOnly && (
        <>
          <input
            ref={input}
            id={id}
            class="input"
            list={`${id}-offered`}
            autocomplete="off"
            placeholder="Add a model"
            aria-label={names.length ? "Another model" : "A model to ask then"}
            aria-describedby={describedBy}
            onChange={({ currentTarget }) => add(currentTarget)}
          />
          <datalist id={`${id}-offered`}>
            {offered.filter((name) => !names.includes(name)).map((name) => <option key={name} value={name} />)}
          </datalist>
        </>
      )}
    </>
  );
}
