// Problems as one goes: after each change the server checks the draft by the rules of publishing.

import { ApiError, call } from "./api";
import type { Bound, DesignDocument, Problem } from "./document";
import { patched } from "./edit";
import { announce, store } from "./store";

const QUIET_MILLISECONDS = 250;
const QUIET_FOR_MANY_MILLISECONDS = 800;
const MANY_BLOCKS = 100;

interface Checked {
  problems: Problem[];
  hints?: Problem[];
  bound?: Bound | null;
}

let timer: ReturnType<typeof setTimeout> | undefined;
let isAsking = false;
let isStale = false;

export function startProblems(): void {
  store.onChange(() => {
    clearTimeout(timer);
    const many = (store.get().document?.blocks.length ?? 0) >= MANY_BLOCKS;
    timer = setTimeout(() => void check(), many ? QUIET_FOR_MANY_MILLISECONDS : QUIET_MILLISECONDS);
  });
}

/** One request at a time; the newest document wins. */
async function check(): Promise<void> {
  if (isAsking) {
    isStale = true;
    return;
  }
  isAsking = true;
  try {
    const document = store.get().document;
    const { body } = await call<Checked>(store.get().data.urls.api_validate ?? "", { body: { document }, byHand: true });
    if (store.get().document === document) take(body);
    else isStale = true;
  } catch (error) {
    // Saving says what is wrong with the connection.
    if (!(error instanceof ApiError)) throw error;
  } finally {
    isAsking = false;
  }
  if (isStale) {
    isStale = false;
    void check();
  }
}

function take({ problems, hints = [], bound = null }: Checked): void {
  const before = store.get().problems.length;
  store.set({ problems, hints, bound });
  if (problems.length !== before) announce(problems.length ? `${problems.length} problems.` : "No problems.");
}

/** The problems and hints of a part: of its own fields and of what is inside. */
export function problemsAt(problems: Problem[], pointer: string): Problem[] {
  return problems.filter(({ path }) => path === pointer || path.startsWith(`${pointer}/`));
}

export function fix(problem: Problem): void {
  const { fix: mending } = problem;
  if (!mending) return;
  store.change(mending.label, (document: DesignDocument) => patched(document, mending.patch));
}

let walked = -1;

/** To the field of the next problem, or with -1 of the one before. */
export function walkProblems(step: 1 | -1): void {
  const { problems } = store.get();
  if (!problems.length) return announce("No problems.");
  walked = (walked + step + problems.length) % problems.length;
  const problem = problems[walked] as Problem;
  store.showField(problem.path);
  announce(problem.message);
}
