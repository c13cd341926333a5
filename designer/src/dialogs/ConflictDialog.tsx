// Two people changed the same text: mine, theirs, or a third; nothing is lost whichever is chosen.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { blockOf, type DesignDocument } from "../document";
import { pasted } from "../clipboard";
import { partName, resolved, type Conflict } from "../merge";
import type { ConflictChoice } from "../save";

type Side = "mine" | "theirs" | "edit";

export function ConflictDialog({ about }: { about: unknown }) {
  const choice = about as ConflictChoice;
  const [sides, setSides] = useState<Side[]>(choice.conflicts.map(() => "mine"));
  const [texts, setTexts] = useState<string[]>(choice.conflicts.map((conflict) => shown(conflict.mine)));
  const [keepsCopy, keepCopy] = useState(false);
  const [problem, setProblem] = useState("");
  const by = choice.by ?? "Somebody";
  const theirs = choice.by ? `${choice.by}’s` : "Theirs";

  const finish = async () => {
    let document = choice.merged;
    if (keepsCopy) document = withCopies(document, choice.conflicts);
    choice.conflicts.forEach((conflict, place) => {
      document = resolved(document, conflict, chosen(conflict, sides[place] ?? "mine", texts[place] ?? ""));
    });
    const reason = await choice.finish(document);
    if (reason) setProblem(`Nothing was changed, because both states could not be kept first. ${reason} Try again.`);
  };
  const set = (place: number, side: Side) => setSides(sides.map((before, other) => (other === place ? side : before)));

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void finish();
      }}
    >
      <div class="pad">
        <p class="soft">
          {by} saved this draft while you were editing it. All other changes are merged. Choose what stays here; both
          states are kept in the draft’s history.
        </p>
        {choice.conflicts.map((conflict, place) => {
          const side = { name: `side-${place}`, chosen: sides[place] ?? "mine", choose: (one: Side) => set(place, one) };
          return (
            <fieldset key={conflict.key + conflict.pointer} class="sides conflict">
              <legend>{conflictName(conflict, choice.merged)}</legend>
              <SideOf {...side} is="mine" label="Mine"><SideText label="Mine" text={shown(conflict.mine)} /></SideOf>
              <SideOf {...side} is="theirs" label={theirs}><SideText label={theirs} text={shown(conflict.theirs)} /></SideOf>
              <SideOf {...side} is="edit" label="Edit">
                {sides[place] === "edit" && (
                  <textarea
                    class="input"
                    aria-label="What stays"
                    rows={5}
                    value={texts[place]}
                    onInput={({ currentTarget: { value } }) => setTexts(texts.map((before, other) => (other === place ? value : before)))}
                  />
                )}
              </SideOf>
            </fieldset>
          );
        })}
        <label class="row small">
          <input type="checkbox" checked={keepsCopy} onChange={() => keepCopy(!keepsCopy)} />
          Keep my version of these blocks as a copy beside them
        </label>
        {problem && <p class="note bad" role="alert">{problem}</p>}
      </div>
      <footer>
        <button class="button primary" type="submit">Keep these</button>
      </footer>
    </form>
  );
}

interface SideProps {
  name: string;
  is: Side;
  chosen: Side;
  label: string;
  choose: (side: Side) => void;
  children: ComponentChildren;
}

/** A click anywhere chooses it; by keys the radio button does. */
function SideOf({ name, is, chosen, label, choose, children }: SideProps) {
  return (
    <div class={`choice-${is}${is === chosen ? " chosen" : ""}`} onClick={() => choose(is)}>
      <label class="row small strong">
        <input type="radio" name={name} checked={is === chosen} onChange={() => choose(is)} />
        {label}
      </label>
      {children}
    </div>
  );
}

/** A long text scrolls, so it takes the focus. */
const SideText = ({ label, text }: { label: string; text: string }) => (
  <pre role="group" aria-label={`Text: ${label}`} tabIndex={0}>{text || "(empty)"}</pre>
);

const shown = (value: unknown): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2);

/** An edited text takes the place of a text; of anything else it is read as JSON, if it is JSON. */
function chosen(conflict: Conflict, side: Side, text: string): unknown {
  if (side !== "edit") return conflict[side];
  if (typeof conflict.mine === "string" && typeof conflict.theirs === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const FIELDS: Record<string, string> = {
  task: "task",
  label: "name",
  system_prompt: "prompt",
  template: "template",
  expression: "expression",
  when: "condition",
  route: "route",
};

function conflictName(conflict: Conflict, document: DesignDocument): string {
  const field = conflict.pointer.split("/").at(-1) ?? "";
  const part = partName(conflict.key, document);
  return field ? `${part} · ${FIELDS[field] ?? field}` : part;
}

/** My version of each block in question, as a block of its own without connections. */
function withCopies(document: DesignDocument, conflicts: Conflict[]): DesignDocument {
  const ids = new Set(conflicts.filter(({ key }) => key.startsWith("block/")).map(({ key }) => key.slice("block/".length)));
  let result = document;
  for (const id of ids) {
    const block = blockOf(document, id);
    if (block) result = pasted(result, { orchestra: 1, blocks: [block], connections: [] }).document;
  }
  return result;
}
