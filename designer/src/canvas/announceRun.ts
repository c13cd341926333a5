// Says what a try does on the canvas, at most every two seconds.

import { blockOf } from "../document";
import { announce, store, type BlockStatus, type Run } from "../store";
import { labelOf } from "./walking";

const MILLISECONDS = 2_000;
const SAID: Partial<Record<BlockStatus, string>> = { running: "runs", completed: "completed", failed: "failed" };
const MOST = 4;

export function announceRun(): () => void {
  let said: Record<string, BlockStatus> = {};
  let id = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = () => {
    timer = undefined;
    const { run } = store.get();
    if (!run) return;
    if (run.id !== id) said = {};
    id = run.id;
    const news = newsOf(run, said);
    said = Object.fromEntries(Object.entries(run.blocks).map(([block, { status }]) => [block, status]));
    if (news.length) announce(inShort(news));
  };
  let before = store.get().run;
  const stop = store.subscribe(() => {
    const { run } = store.get();
    if (run === before) return;
    before = run;
    timer ??= setTimeout(say, MILLISECONDS);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function newsOf(run: Run, said: Record<string, BlockStatus>): string[] {
  return Object.entries(run.blocks)
    .filter(([id, { status }]) => SAID[status] && said[id] !== status)
    .map(([id, { status }]) => {
      const block = blockOf(run.document, id);
      return `${block ? labelOf(block) : id} ${SAID[status]}`;
    });
}

const inShort = (news: string[]): string =>
  `${news.slice(-MOST).join(", ")}${news.length > MOST ? `, and ${news.length - MOST} more` : ""}.`;
