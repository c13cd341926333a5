// What the selected block said and made; without one, the result of the run.

import { useState } from "preact/hooks";
import { agentName, agentsOf, blockOf, nameOf } from "../document";
import { useStore, type BlockRun, type Run } from "../store";
import { counted, duration, money } from "../words";
import { Marked } from "./Marked";
import { Pictogram } from "./StateSign";

export function Output({ run }: { run: Run }) {
  const selected = useStore((state) => (state.selection.blocks.length === 1 ? (state.selection.blocks[0] ?? null) : null));
  const block = selected === null ? undefined : run.blocks[selected];
  const [shows, show] = useState<"output" | "agents">("output");
  if (selected === null || !block) return <Result run={run} />;
  const drawn = blockOf(run.document, selected);
  const agents = drawn ? agentsOf(drawn).filter(({ id }) => block.agents[id]) : [];
  return (
    <section class="try-output" aria-label={`Output of ${drawn ? nameOf(drawn) : selected}`}>
      <header class="row small">
        {drawn && <Pictogram type={drawn.type} />}
        <span class="cut">{drawn ? nameOf(drawn) : selected}</span>
        <span class="end faint num">{factsOf(block)}</span>
      </header>
      {agents.length > 0 && (
        <span class="button-group" role="group" aria-label="What is shown">
          <button class="button small" type="button" aria-pressed={shows === "output"} onClick={() => show("output")}>Output</button>
          <button class="button small" type="button" aria-pressed={shows === "agents"} onClick={() => show("agents")}>{counted(agents.length, "agent")}</button>
        </span>
      )}
      {block.error && <p class="note bad small"><Marked text={block.error} /></p>}
      {shows === "agents" && agents.length > 0
        ? agents.map((agent) => (
            <article class="said" key={agent.id}>
              <h4 class="small strong">{agentName(agent)} <span class="faint num">{duration(block.agents[agent.id]?.milliseconds ?? null)}</span></h4>
              <Text value={block.agents[agent.id]?.text} />
              {block.agents[agent.id]?.isRunning && <span class="caret" aria-hidden="true" />}
            </article>
          ))
        : <Text value={block.output ?? liveText(block)} />}
    </section>
  );
}

/** While there is no output yet: what the agent at work has said so far. */
function liveText(block: BlockRun): string | undefined {
  return Object.values(block.agents).find(({ isRunning }) => isRunning)?.text;
}

function Result({ run }: { run: Run }) {
  return (
    <section class="try-output" aria-label="Result">
      <header class="row small"><span class="strong">Result</span></header>
      {run.error && <p class="note bad small"><Marked text={run.error} /></p>}
      {run.output === null && !run.error ? <p class="small faint">It is shown here when the run has completed. Select a block to see its output.</p> : <Text value={run.output} />}
    </section>
  );
}

function factsOf(block: BlockRun): string {
  const tokens = block.tokens === null ? "no model" : `${counted(block.tokens, "token")} · ${money(block.cost)}`;
  return [duration(block.milliseconds), block.isEdited ? "edited since" : "", block.status === "completed" ? tokens : ""].filter(Boolean).join(" · ");
}

/** A text with its paragraphs; anything else as JSON. Always text, never markup. */
export function Text({ value }: { value: unknown }) {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return <div class="out-text">{value}</div>;
  return <pre class="out-json">{JSON.stringify(value, null, 2)}</pre>;
}
