// A try of the draft: started, followed by its events, and drawn over the canvas.

import { ApiError, call } from "./api";
import { blockOf, isObject, type DesignDocument } from "./document";
import { withEdits, withEvent, withRecord, type ExecutionDetail } from "./run-events";
import { saver } from "./save";
import { announce, store, type Run, type RunStatus } from "./store";

export interface TryOrder {
  input: unknown;
  /** A model in place of all that the design names; null: as in the design. */
  model: string | null;
  /** One block alone, with outputs of what it reads. */
  only?: string;
  given?: Record<string, unknown>;
  fromExecution?: string;
}

interface Accepted {
  execution_id: string;
  log_id: string;
  status: RunStatus;
}

/** The dock's form is asked to start a try: by its button, or by Ctrl Enter anywhere. */
export const TRY_EVENT = "orchestra-try";

const ENDS = new Set<string>(["completed", "failed", "cancelled", "timed_out"]);
export const isOver = (run: Run | null): boolean => run === null || ENDS.has(run.status);

const AGAIN_MILLISECONDS = 5_000;
let source: EventSource | null = null;

/** Starts a try; resolves to an error by field if it was refused, null once it is under way. */
export async function startTry(order: TryOrder): Promise<ApiError | null> {
  const { data, readOnly } = store.get();
  if (!readOnly && !(await saver.flush())) {
    return new ApiError(0, { detail: "The draft is not saved yet, so it cannot be tried." });
  }
  // As it is tried; one may go on editing until the answer is there.
  const document = store.get().document as DesignDocument;
  const body: Record<string, unknown> = { input_data: order.input };
  if (order.model) body.model = order.model;
  if (order.only) body.only = order.only;
  if (order.given && Object.keys(order.given).length) body.given = order.given;
  if (order.fromExecution) body.from_execution = order.fromExecution;
  try {
    const answer = await call<Accepted>(data.urls.api_execute ?? "", { body });
    const run = newRun(answer.body, order, document);
    store.set({ run, lastInput: order.input });
    announce("The try has started.");
    follow(run.id);
    return null;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

export async function cancelTry(): Promise<void> {
  const { run, data } = store.get();
  if (!run || isOver(run)) return;
  await call(`${data.urls.api_executions}/${run.id}/cancel`, { method: "POST" }).catch((error: unknown) => {
    if (error instanceof ApiError) store.tell(error.message, { isError: true });
  });
}

/** Takes the overlay away; the run itself goes on, and its tab in the list leads to it. */
export function hideRun(): void {
  source?.close();
  source = null;
  store.set({ run: null });
}

/** Shows an earlier try, whose rows tell all of it. */
export async function showTry(id: string): Promise<void> {
  const document = store.get().document;
  if (!document) return;
  const accepted = { execution_id: id, log_id: id, status: "queued" as RunStatus };
  store.set({ run: newRun(accepted, { input: null, model: null }, document) });
  follow(id);
}

function newRun(accepted: Accepted, order: TryOrder, document: DesignDocument): Run {
  return {
    id: accepted.log_id,
    url: `${store.get().data.urls.executions}${accepted.log_id}/`,
    status: accepted.status,
    isDegraded: false,
    model: order.model ?? store.get().data.default_model,
    only: order.only ?? null,
    startedAt: Date.now(),
    milliseconds: null,
    cost: null,
    tokens: null,
    blocks: {},
    taken: [],
    notTaken: [],
    output: null,
    error: null,
    document,
  };
}

function follow(id: string): void {
  source?.close();
  const { urls } = store.get().data;
  const events = new EventSource(`${urls.api_executions}/${id}/events`);
  source = events;
  for (const name of ["execution", "block", "step", "delta", "started", "done"]) {
    events.addEventListener(name, (message) => {
      const { run } = store.get();
      if (run?.id !== id) return events.close();
      const data = readEvent((message as MessageEvent<string>).data);
      const told = withEvent(run, name, data);
      const next = name === "delta" ? told : withEdits(told, store.get().document ?? told.document);
      store.set({ run: next });
      sayChange(run, next);
      if (name !== "done") return;
      events.close();
      void finish(id);
    });
  }
  // A refused stream (too many are open, the session has ended) stays closed, unlike one that broke off.
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => void followAgain(id), AGAIN_MILLISECONDS);
  });
}

async function followAgain(id: string): Promise<void> {
  await finish(id);
  const { run } = store.get();
  if (run?.id === id && !isOver(run)) follow(id);
}

function readEvent(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return isObject(value) ? value : {};
}

/** The record has what events do not tell: times, sums, degraded reasons. */
async function finish(id: string): Promise<void> {
  const answer = await call<ExecutionDetail>(`${store.get().data.urls.api_executions}/${id}`).catch(() => null);
  const { run } = store.get();
  if (!answer || run?.id !== id) return;
  store.set({ run: withRecord(run, answer.body) });
}

export function startRuns(): void {
  store.onChange((document) => {
    const { run } = store.get();
    const next = run && withEdits(run, document);
    if (next !== run) store.set({ run: next });
  });
}

// --- Words for screen readers, at most every two seconds ------------------------------------------

const SAY_MILLISECONDS = 2_000;
let unsaid: string[] = [];
let sayTimer: ReturnType<typeof setTimeout> | undefined;

function sayChange(before: Run, after: Run): void {
  for (const [id, block] of Object.entries(after.blocks)) {
    if (before.blocks[id]?.status === block.status || block.status === "pending") continue;
    const named = blockOf(after.document, id);
    unsaid.push(`${named?.label || id}: ${block.status}.`);
  }
  if (ENDS.has(after.status) && !ENDS.has(before.status)) unsaid.push(`The try ${after.status === "completed" ? "has completed" : "ended"}.`);
  if (!unsaid.length || sayTimer) return;
  sayTimer = setTimeout(() => {
    announce(unsaid.slice(-4).join(" "));
    unsaid = [];
    sayTimer = undefined;
  }, SAY_MILLISECONDS);
}
