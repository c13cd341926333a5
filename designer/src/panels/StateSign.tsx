// The sign of a state: a shape and a colour of its own, with its word for screen readers.

import { store } from "../store";

const FILL = { fill: "currentColor" };
const LINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round" } as const;
const CUT = { fill: "none", stroke: "var(--surface)", "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" } as const;

const WORDS: Record<string, string> = {
  completed: "Completed",
  failed: "Failed",
  timed_out: "Timed out",
  running: "Running",
  degraded: "Degraded",
  waiting: "Waiting",
  queued: "Queued",
  skipped: "Skipped",
  cancelled: "Cancelled",
  not_reached: "Not reached",
};

export const stateWord = (state: string): string => WORDS[state] ?? WORDS.not_reached!;

export function StateSign({ state }: { state: string }) {
  const name = state in WORDS ? state : "not_reached";
  return (
    <span class={`state ${name}`} title={stateWord(name)}>
      <svg class="sign" viewBox="0 0 16 16" aria-hidden="true">{shapes(name)}</svg>
      <span class="visually-hidden">{stateWord(name)}</span>
    </span>
  );
}

function shapes(state: string) {
  switch (state) {
    case "completed":
      return [<circle cx="8" cy="8" r="7" {...FILL} />, <path d="m4.9 8.2 2.1 2.1 4.1-4.3" {...CUT} />];
    case "failed":
      return [
        <path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" {...FILL} />,
        <path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" {...CUT} />,
      ];
    case "degraded":
      return [<path d="M8 1.5 15 14.3H1z" {...FILL} />, <path d="M8 6v3.8M8 12v.1" {...CUT} />];
    case "running":
      return [
        <circle cx="8" cy="8" r="6.2" {...LINE} stroke-opacity=".25" />,
        <path d="M8 1.8a6.2 6.2 0 0 1 6.2 6.2" {...LINE} />,
      ];
    case "waiting":
      return [<circle cx="8" cy="8" r="6.3" {...LINE} />, <path d="M6.3 5.6v4.8M9.7 5.6v4.8" {...LINE} />];
    case "queued":
      return [<circle cx="8" cy="8" r="6.3" {...LINE} stroke-dasharray="0.1 2.9" />];
    case "timed_out":
      return [<circle cx="8" cy="8" r="6.3" {...LINE} />, <path d="M8 4.4V8l2.4 1.6" {...LINE} />];
    case "skipped":
      return [<circle cx="8" cy="8" r="6.3" {...LINE} stroke-dasharray="2 2.4" />, <path d="M5 8h6" {...LINE} />];
    case "cancelled":
      return [<circle cx="8" cy="8" r="6.3" {...LINE} />, <path d="M3.8 12.2 12.2 3.8" {...LINE} />];
    default:
      return [<circle cx="8" cy="8" r="6.3" {...LINE} stroke-opacity=".55" />];
  }
}

/** The pictogram of a pattern, from the same place as the server's. */
export function Pictogram({ type }: { type: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={store.get().data.pictograms?.[type] ?? "M5 5h14v14H5z"} />
    </svg>
  );
}
