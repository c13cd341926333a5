// The list under a field while a placeholder is typed, and what the field is worth with the last try.

import type { ComponentChildren } from "preact";
import { createPortal } from "preact/compat";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { call } from "../api";
import type { Binding } from "../bind";
import { completed, matching, namesFor, typedAt, type Suggestion } from "../complete";
import { store } from "../store";
import { Marked } from "./Marked";

const KINDS = "[data-kind=template], [data-kind=expression]";
const WORTH_MILLISECONDS = 500;

interface CompletionProps {
  binding: Binding;
  blockId: string | null;
  agentId: string | null;
  connectionId: string | null;
}

type Field = HTMLTextAreaElement | HTMLInputElement;

interface Open {
  field: Field;
  from: number;
  rows: Suggestion[];
  chosen: number;
}

const isTemplate = (field: Field) => field.dataset.kind === "template" || (field.dataset.also === "template" && field.value.includes("{{"));

export function Completion({ binding, blockId, agentId, connectionId }: CompletionProps) {
  const [open, setOpen] = useState<Open | null>(null);
  const [worth, setWorth] = useState<{ field: Field; text: string; isError: boolean; isOfRun: boolean } | null>(null);

  useEffect(() => {
    const { host } = binding;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // A block hears its agents' fields, too, which have lists of their own.
    const fieldOf = (event: Event) => {
      const target = event.target as HTMLElement;
      return target.matches?.(KINDS) && binding.owns(target) ? (target as Field) : null;
    };
    const look = (field: Field, isAsked = false) => {
      const { document, readOnly } = store.get();
      const typed = typedAt(field.value, field.selectionStart ?? 0, isTemplate(field));
      if (!document || readOnly || !typed || (!isAsked && !typed.word && !isTemplate(field))) return setOpen(null);
      const rows = matching(namesFor(document, blockId), typed.word);
      setOpen(rows.length ? { field, from: typed.from, rows, chosen: 0 } : null);
    };
    const onInput = (event: Event) => {
      const field = fieldOf(event);
      if (!field) return;
      look(field);
      clearTimeout(timer);
      timer = setTimeout(() => void ask(field), WORTH_MILLISECONDS);
    };
    const ask = async (field: Field) => setWorth(await worthOf(field, blockId, agentId, connectionId));
    const onFocus = (event: Event) => {
      const field = fieldOf(event);
      if (field) void ask(field);
    };
    const onBlur = () => setOpen(null);
    const onKey = (event: KeyboardEvent) => {
      const field = fieldOf(event);
      if (field && event.key === " " && event.ctrlKey) {
        event.preventDefault();
        look(field, true);
      }
    };
    host.addEventListener("input", onInput);
    host.addEventListener("focusin", onFocus);
    host.addEventListener("focusout", onBlur);
    host.addEventListener("keydown", onKey);
    return () => {
      clearTimeout(timer);
      host.removeEventListener("input", onInput);
      host.removeEventListener("focusin", onFocus);
      host.removeEventListener("focusout", onBlur);
      host.removeEventListener("keydown", onKey);
    };
  }, [binding, blockId, agentId, connectionId]);

  useEffect(() => {
    if (!open) return;
    const walk = (event: KeyboardEvent) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) setOpen({ ...open, chosen: (open.chosen + step + open.rows.length) % open.rows.length });
      else if (event.key === "Enter" || event.key === "Tab") take(open, open.chosen, setOpen);
      else if (event.key === "Escape") setOpen(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    open.field.addEventListener("keydown", walk as EventListener);
    open.field.setAttribute("aria-activedescendant", `completion-${open.chosen}`);
    return () => {
      open.field.removeEventListener("keydown", walk as EventListener);
      open.field.removeAttribute("aria-activedescendant");
    };
  }, [open]);

  return (
    <>
      {worth && worth.field.isConnected && (
        <Under field={worth.field}>
          <p class={worth.isError ? "worth error" : "worth"}>
            <span class="faint">{worth.isOfRun ? "In this try: " : "With the last input: "}</span>
            {worth.isError ? <Marked text={worth.text} /> : worth.text}
          </p>
        </Under>
      )}
      {open && (
        <Under field={open.field}>
          <List open={open} take={(place) => take(open, place, setOpen)} />
          {open.rows.some(({ usage }) => usage) && <Reference />}
        </Under>
      )}
    </>
  );
}

function List({ open, take }: { open: Open; take: (place: number) => void }) {
  return (
    <ul class="completion" role="listbox" aria-label="What this block can read">
      {open.rows.map((row, place) => (
        <li
          key={row.path}
          id={`completion-${place}`}
          role="option"
          aria-selected={place === open.chosen}
          class={row.usage === undefined ? undefined : "function"}
          onMouseDown={(event) => {
            // The field keeps the focus.
            event.preventDefault();
            take(place);
          }}
        >
          <span class="mono">{row.usage ?? row.path}</span>
          <span class="end faint">{row.hint}</span>
        </li>
      ))}
    </ul>
  );
}

function Reference() {
  const { expressions } = store.get().data.urls;
  if (!expressions) return null;
  return (
    <p class="worth">
      {/* Pressing it takes no focus from the field, which would close the list first. */}
      <a href={expressions} target="_blank" rel="noopener" onMouseDown={(event) => event.preventDefault()}>All functions, with examples</a>
    </p>
  );
}

/** After a field of the server's, in an element that Preact does not look for elsewhere. */
function Under({ field, children }: { field: Field; children: ComponentChildren }) {
  const [holder] = useState(() => document.createElement("div"));
  useLayoutEffect(() => (field.closest(".tagged") ?? field).after(holder), [field]);
  useLayoutEffect(() => () => holder.remove(), []);
  return createPortal(children, holder);
}

function take(open: Open, place: number, setOpen: (open: null) => void): void {
  const { field, from, rows } = open;
  const row = rows[place];
  if (!row) return;
  const result = completed(field.value, from, field.selectionStart ?? field.value.length, row, isTemplate(field));
  field.value = result.text;
  field.setSelectionRange(result.caret, result.caret);
  setOpen(null);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

interface Evaluated {
  values: ({ value: unknown; error?: undefined } | { error: string })[];
}

async function worthOf(field: Field, block: string | null, agent: string | null, connection: string | null) {
  const { data, run, lastInput, document } = store.get();
  const text = field.value;
  if (!data.urls.api_evaluate || !text.trim() || (isTemplate(field) && !text.includes("{{"))) return null;
  const place = { ...(block ? { block_id: block } : {}), ...(agent ? { agent_id: agent } : {}), ...(connection ? { connection_id: connection } : {}) };
  const body: Record<string, unknown> = { texts: [{ text, kind: isTemplate(field) ? "template" : "expression", ...place }], document };
  if (run && data.rights.payload) body.execution_id = run.id;
  else body.input_data = lastInput ?? {};
  const answer = await call<Evaluated>(data.urls.api_evaluate, { body }).catch(() => null);
  const [value] = answer?.body.values ?? [];
  if (!value || field.value !== text) return null;
  // Without a try nothing has arrived yet, which is no mistake.
  if ("error" in value && value.error) return run ? { field, text: value.error, isError: true, isOfRun: true } : null;
  const shown = "value" in value ? value.value : null;
  return { field, text: typeof shown === "string" ? shown : JSON.stringify(shown), isError: false, isOfRun: "execution_id" in body };
}
