// All problems and hints, each with the way to its field and, where there is one, its mending.

import { blockOf, connectionsOf, nameOf, type DesignDocument, type Problem } from "../document";
import { fix } from "../problems";
import { store, useStore } from "../store";
import { Icon } from "./Icon";
import { Marked } from "./Marked";
import { StateSign } from "./StateSign";

export function Problems() {
  const problems = useStore((state) => state.problems);
  const hints = useStore((state) => state.hints);
  const warnings = useStore((state) => state.importWarnings);
  if (!problems.length && !hints.length && !warnings.length) {
    return <p class="dock-empty soft">No problems. This draft can be published.</p>;
  }
  return (
    <ul class="problem-list">
      {problems.map((problem) => <Row key={`p${problem.path}${problem.message}`} problem={problem} kind="problem" />)}
      {warnings.map((problem) => <Row key={`w${problem.path}${problem.message}`} problem={problem} kind="import" />)}
      {hints.map((problem) => <Row key={`h${problem.path}${problem.message}`} problem={problem} kind="hint" />)}
    </ul>
  );
}

function Row({ problem, kind }: { problem: Problem; kind: "problem" | "hint" | "import" }) {
  const document = useStore((state) => state.document);
  const readOnly = useStore((state) => state.readOnly);
  return (
    <li>
      {kind === "problem" ? <StateSign state="failed" /> : <span class="state degraded" title={kind === "hint" ? "Hint" : "From the import"}><Icon name="warn" small /></span>}
      <button class="place" type="button" onClick={() => store.showField(problem.path)}>{placeName(problem.path, document)}</button>
      <span><Marked text={problem.message} />{kind === "hint" && <span class="faint"> A hint; it does not keep you from publishing.</span>}</span>
      {problem.fix && !readOnly && (
        <button class="button small" type="button" onClick={() => fix(problem)}>{problem.fix.label}</button>
      )}
    </li>
  );
}

/** The block, connection or part of the design that a pointer leads to. */
export function placeName(path: string, document: DesignDocument | null): string {
  const [first, index] = path.split("/").slice(1);
  if (!document || first === undefined) return "The design";
  if (first === "blocks" && index !== undefined) {
    const block = document.blocks[Number(index)];
    return block ? nameOf(block) : `Block ${Number(index) + 1}`;
  }
  if (first === "connections" && index !== undefined) {
    const link = connectionsOf(document)[Number(index)];
    const ends = [link?.source, link?.target].map((id) => {
      const block = blockOf(document, id ?? null);
      return block ? nameOf(block) : (id ?? "?");
    });
    return ends.join(" → ");
  }
  return { input_schema: "Input", output_schema: "Output", output: "Output" }[first] ?? "The design";
}
