// The head of a try that is drawn over the canvas.

import { useEffect, useState } from "preact/hooks";
import { StateSign, stateWord } from "../panels/StateSign";
import { hideRun, isOver } from "../run";
import { useStore, type Run } from "../store";
import { duration, money } from "../words";

export function RunBar() {
  const run = useStore((state) => state.run);
  if (!run) return null;
  const state = run.status === "completed" && run.isDegraded ? "degraded" : run.status;
  return (
    <div class="run-bar">
      <StateSign state={state} />
      <span class="strong"><Said run={run} /></span>
      <span class="faint figures">{figures(run)}</span>
      <button class="button small bare" type="button" title="Take the try off the canvas" onClick={hideRun}>Hide</button>
    </div>
  );
}

function figures(run: Run): string {
  const parts = [run.milliseconds === null ? "" : duration(run.milliseconds)];
  if (run.milliseconds !== null || run.cost !== null) parts.push(isOver(run) && run.tokens === null ? "no model" : money(run.cost));
  return parts.filter(Boolean).join(" · ");
}

const MINUTE = 60_000;

/** `Tried just now with gpt-5-mini`; it counts on by itself. */
function Said({ run }: { run: Run }) {
  const [now, tick] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => tick(Date.now()), MINUTE / 2);
    return () => clearInterval(timer);
  }, []);
  const model = run.model ? ` with ${run.model}` : "";
  const part = run.only ? " in part" : "";
  if (!isOver(run)) return <>{stateWord(run.status)}{part}{model}</>;
  const minutes = Math.floor((Math.max(now, Date.now()) - run.startedAt) / MINUTE);
  const when = minutes < 1 ? "just now" : minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
  return <>Tried{part} {when}{model}</>;
}
