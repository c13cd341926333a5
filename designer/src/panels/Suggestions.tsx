// Better prompts that a review of the design suggested, side by side with those there are.

import { useEffect, useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { agentName, agentsOf, blockOf, nameOf } from "../document";
import { saver, type DesignAnswer } from "../save";
import { store, useStore } from "../store";
import { Differences } from "./Differences";

interface Suggestion {
  block_id: string;
  agent_id: string;
  current_prompt: string;
  suggested_prompt: string;
  reasoning: string;
  outdated?: string | null;
}

export function Suggestions() {
  const run = useStore((state) => state.run);
  const document = useStore((state) => state.document);
  const readOnly = useStore((state) => state.readOnly);
  const [rows, setRows] = useState<Suggestion[]>([]);
  const [problem, setProblem] = useState("");
  const url = run ? `${store.get().data.urls.api_executions}/${run.id}/suggestions` : null;
  const isDone = run?.status === "completed";
  // Which ones are outdated changes with the draft.
  const revision = useStore((state) => state.data.design.revision);
  const read = async () => {
    if (!url || !isDone || !store.get().data.rights.payload) return setRows([]);
    const answer = await call<{ suggestions: Suggestion[] }>(url).catch(() => null);
    setRows(answer?.body.suggestions ?? []);
  };
  useEffect(() => void read(), [url, isDone, revision]);
  const apply = async (agents: string[] | null) => {
    setProblem("");
    if (!url || !(await saver.flush())) return;
    try {
      const { body } = await call<DesignAnswer>(`${url}/apply`, {
        body: { agents },
        headers: { "If-Match": `"r${saver.currentRevision}"` },
      });
      saver.takeOver(body, agents?.length === 1 ? "Apply a suggestion" : "Apply the suggestions");
      await read();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.message);
    }
  };
  if (!rows.length) {
    return (
      <p class="dock-empty soft">
        No suggestions. A reflection block in the mode “review the design” reads all prompts and suggests better ones:
        try a draft that has one.
      </p>
    );
  }
  const fitting = rows.filter(({ outdated }) => !outdated);
  return (
    <div class="suggestions">
      <header class="row">
        <span class="small soft">{rows.length === 1 ? "One suggestion" : `${rows.length} suggestions`} of this try</span>
        {!readOnly && fitting.length > 1 && (
          <button class="button small end" type="button" onClick={() => void apply(fitting.map(({ block_id: block, agent_id: agent }) => `${block}/${agent}`))}>Apply all</button>
        )}
      </header>
      {problem && <p class="note bad small" role="alert">{problem}</p>}
      {rows.map((row) => {
        const block = document && blockOf(document, row.block_id);
        const agent = block && agentsOf(block).find(({ id }) => id === row.agent_id);
        const now = agent?.system_prompt;
        const isApplied = now === row.suggested_prompt;
        return (
          <article key={`${row.block_id}/${row.agent_id}`} class="suggestion">
            <header class="row small">
              <span class="strong">{agent ? agentName(agent) : row.agent_id}</span>
              <span class="faint">{block ? nameOf(block) : row.block_id}</span>
              {isApplied ? <span class="end faint">applied</span> : !readOnly && !row.outdated && (
                <button class="button small end" type="button" onClick={() => void apply([`${row.block_id}/${row.agent_id}`])}>Apply</button>
              )}
            </header>
            {row.outdated && !isApplied && <p class="note warn small">{row.outdated}</p>}
            <Differences before={row.current_prompt} after={row.suggested_prompt} />
            {row.reasoning && <p class="small soft">{row.reasoning}</p>}
          </article>
        );
      })}
    </div>
  );
}
