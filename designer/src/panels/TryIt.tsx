// Trying the draft beside the canvas: input, model and bound at the left, then what the run does.

import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { blockOf, isObject, nameOf, type Bound } from "../document";
import { TRY_EVENT, cancelTry, isOver, startTry } from "../run";
import { store, useStore } from "../store";
import { counted, money } from "../words";
import { Given, givenFor } from "./Given";
import { Icon } from "./Icon";
import { InputForm, isFormable, type Schema } from "./InputForm";
import { Output } from "./Output";
import { RecentTries } from "./RecentTries";
import { TimeLine } from "./TimeLine";

const STAND_IN = "offline:stand-in";
const MAX_REMEMBERED = 5;

export function TryIt() {
  const run = useStore((state) => state.run);
  return (
    <div class="try-it">
      <Order />
      {run ? <TimeLine run={run} /> : <RecentTries />}
      {run && <Output run={run} />}
    </div>
  );
}

function Order() {
  const schema = useStore((state) => (state.document?.input_schema ?? null) as Schema | null);
  const run = useStore((state) => state.run);
  const selected = useStore((state) => (state.selection.blocks.length === 1 ? (state.selection.blocks[0] ?? null) : null));
  // In the store, so that it is still there after a look at another tab.
  const input = useStore((state) => state.lastInput) ?? {};
  const setInput = (lastInput: unknown) => store.set({ lastInput });
  const [model, setModel] = useState("");
  const [asJson, showJson] = useState(false);
  const [isAlone, setAlone] = useState(false);
  const [given, setGiven] = useState<Record<string, string>>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const only = isAlone ? selected : null;

  const start = async () => {
    if (isBusy) return;
    if (!isOver(store.get().run)) return cancelTry();
    setBusy(true);
    setErrors({});
    setProblem("");
    const order = { input, model: model || null, ...(only ? { only, given: givenFor(only, given) } : {}) };
    const refusal = await startTry(order);
    setBusy(false);
    if (refusal) show(refusal, setErrors, setProblem);
    else remember(input);
  };
  useEffect(() => {
    const listen = () => void start();
    addEventListener(TRY_EVENT, listen);
    return () => removeEventListener(TRY_EVENT, listen);
  });
  const isGoing = !isOver(run);
  return (
    <form
      class="try-order"
      aria-label="Try it"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <div class="row">
        <Remembered choose={setInput} />
        {isFormable(schema) && (
          <span class="button-group end" role="group" aria-label="How the input is shown">
            <button class="button small" type="button" aria-pressed={!asJson} onClick={() => showJson(false)}>Form</button>
            <button class="button small" type="button" aria-pressed={asJson} onClick={() => showJson(true)}>JSON</button>
          </span>
        )}
      </div>
      <InputForm key={String(asJson)} schema={asJson ? null : schema} value={input} change={(value) => setInput(value ?? {})} errors={errors} prefix="try" />
      <ModelChoice model={model} change={setModel} />
      {selected && <Alone id={selected} isAlone={isAlone} change={setAlone} />}
      {only && <Given only={only} value={given} change={setGiven} />}
      {problem && <p class="note bad small" role="alert">{problem}</p>}
      <div class="row wrap try-start">
        <button class="button primary" type="submit" disabled={isBusy}>
          <Icon name={isGoing ? "stop" : "play"} small />
          {isGoing ? "Cancel" : "Try it"}
        </button>
        {!isGoing && <BoundWords model={model} />}
      </div>
    </form>
  );
}

/** Errors of single fields go to them, the rest stands above the button. */
function show(refusal: ApiError, setErrors: (errors: Record<string, string>) => void, setProblem: (text: string) => void): void {
  const fields: Record<string, string> = {};
  for (const [path, sentences] of Object.entries(refusal.problem.errors ?? {})) {
    const pointer = path.replace(/^\/?(input_data|input)\/?/, "/").replaceAll(".", "/");
    fields[pointer === "/" ? "" : pointer] = [sentences].flat().join(" ");
  }
  setErrors(fields);
  const listed = Object.entries(fields).map(([path, sentence]) => (path ? `${path.slice(1)}: ${sentence}` : sentence));
  const detail = refusal.message;
  setProblem(listed.length ? `${detail} ${listed.join(" ")}` : detail);
}

function ModelChoice({ model, change }: { model: string; change: (model: string) => void }) {
  const { models, default_model: standard } = store.get().data;
  const chosen = useStore((state) => state.document?.model ?? null);
  const own = Array.isArray(chosen) ? chosen[0] : chosen;
  return (
    <div class="field">
      <label for="try-model">Model</label>
      <select id="try-model" class="input" value={model} onChange={({ currentTarget }) => change(currentTarget.value)}>
        <option value="">As in the design ({own ?? standard})</option>
        <option value={STAND_IN}>Dry run: the stand-in, free</option>
        {models.filter((name) => name !== STAND_IN).map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </div>
  );
}

function Alone({ id, isAlone, change }: { id: string; isAlone: boolean; change: (isAlone: boolean) => void }) {
  const name = useStore((state) => {
    const block = state.document && blockOf(state.document, id);
    return block ? nameOf(block) : id;
  });
  return (
    <label class="row small">
      <input type="checkbox" checked={isAlone} onChange={() => change(!isAlone)} />
      <span>Only <span class="strong">{name}</span></span>
    </label>
  );
}

/** At most how much it can be, before it is started. */
function BoundWords({ model }: { model: string }) {
  const bound = useStore((state) => state.bound);
  const { limits } = store.get().data;
  return <span class="small faint num">{boundWords(bound, limits, model === STAND_IN)}</span>;
}

export function boundWords(bound: Bound | null, limits: { model_calls: number; cost_usd: string | null } | null, isFree: boolean): string {
  if (!bound) return limits ? `at most ${counted(limits.model_calls, "call")}` : "";
  const calls = Math.min(bound.calls, limits?.model_calls ?? bound.calls);
  if (!calls) return "no model is called";
  const parts = [`at most ${counted(calls, "call")}`];
  if (bound.tokens_out) parts.push(`${counted(bound.tokens_out, "token")} out`);
  if (isFree) parts.push("free");
  else if (bound.cost_usd !== null) parts.push(money(bound.cost_usd));
  else if (limits?.cost_usd) parts.push(`${money(limits.cost_usd)} where the price is known`);
  return parts.join(", ");
}

// --- Inputs that were tried -----------------------------------------------------------------------

const keyOf = () => `orchestra-inputs-${store.get().data.me.id}-${store.get().data.design.id}`;

function remembered(): unknown[] {
  try {
    const rows: unknown = JSON.parse(localStorage.getItem(keyOf()) ?? "[]");
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}

function remember(input: unknown): void {
  const text = JSON.stringify(input);
  const rows = [input, ...remembered().filter((row) => JSON.stringify(row) !== text)];
  try {
    localStorage.setItem(keyOf(), JSON.stringify(rows.slice(0, MAX_REMEMBERED)));
  } catch {
    // Storage is off or full: inputs are not remembered then.
  }
}

function Remembered({ choose }: { choose: (input: unknown) => void }) {
  const example = store.get().data.input_example;
  const rows = remembered();
  const all: [string, unknown][] = [...rows.map((row): [string, unknown] => [excerpt(row), row])];
  if (isObject(example) && Object.keys(example).length) all.unshift(["Example", example]);
  if (!all.length) return <span class="small strong">Input</span>;
  return (
    <select
      class="input small-select"
      aria-label="Inputs that were tried before"
      value=""
      onChange={({ currentTarget }) => {
        const row = all[Number(currentTarget.value)];
        if (row) choose(row[1]);
        currentTarget.value = "";
      }}
    >
      <option value="">Input…</option>
      {all.map(([label], place) => <option key={place} value={String(place)}>{label}</option>)}
    </select>
  );
}

function excerpt(input: unknown): string {
  const text = isObject(input) ? Object.values(input).map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" · ") : JSON.stringify(input);
  return text.length > 48 ? `${text.slice(0, 47)}…` : text || "(empty)";
}
