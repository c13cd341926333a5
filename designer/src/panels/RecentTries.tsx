// The last ten tries of this design; each can be drawn on the canvas again.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import { showTry } from "../run";
import { store } from "../store";
import { duration, money } from "../words";
import { StateSign } from "./StateSign";

interface Row {
  id: string;
  execution_id: string;
  status: string;
  degraded: boolean;
  created_at: string;
  duration_ms: number | null;
  usage: { cost_usd: number | null; model_calls: number };
  only?: string | null;
}

export function RecentTries() {
  const [rows, setRows] = useState<Row[] | null>(null);
  useEffect(() => {
    const { data } = store.get();
    void call<{ results: Row[] }>(`${data.urls.api_executions}?design_id=${data.design.id}&tries=true&limit=10`)
      .then(({ body }) => setRows(body.results))
      .catch(() => setRows([]));
  }, []);
  if (!rows) return <div class="dock-empty" />;
  if (!rows.length) {
    return <p class="dock-empty soft">Try the draft with an input: the run is drawn on the canvas, block by block.</p>;
  }
  return (
    <section class="recent-tries" aria-label="Last tries">
      <h3 class="small strong">Last tries</h3>
      <ul>
        {rows.map((row) => (
          <li key={row.id}>
            <button type="button" onClick={() => void showTry(row.id)}>
              <StateSign state={row.degraded && row.status === "completed" ? "degraded" : row.status} />
              <span>{new Date(row.created_at).toLocaleString([], { dateStyle: "short", timeStyle: "medium" })}</span>
              {row.only && <span class="chip line mono">{row.only}</span>}
              <span class="end faint num">{duration(row.duration_ms)}</span>
              <span class="faint num">{row.usage.model_calls ? money(row.usage.cost_usd) : "no model"}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
