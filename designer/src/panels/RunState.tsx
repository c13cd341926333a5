// The state of the try, beside the dock's tabs.

import { cancelTry, hideRun, isOver } from "../run";
import { useStore } from "../store";
import { duration, money } from "../words";
import { StateSign, stateWord } from "./StateSign";

export function RunState() {
  const run = useStore((state) => state.run);
  if (!run) return null;
  const state = run.isDegraded && run.status === "completed" ? "degraded" : run.status;
  return (
    <span class="run-state row small">
      <StateSign state={state} />
      <span class="strong">{stateWord(state)}</span>
      {isOver(run) && <span class="faint num">{duration(run.milliseconds)} · {run.tokens === null ? "no model" : money(run.cost)}</span>}
      <a href={run.url}>Open this run</a>
      {isOver(run) ? (
        <button class="button small bare" type="button" onClick={hideRun}>Hide</button>
      ) : (
        <button class="button small" type="button" onClick={() => void cancelTry()}>Cancel</button>
      )}
    </span>
  );
}
