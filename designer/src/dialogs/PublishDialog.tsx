// Publish: what has changed, a note, and which deployments move to the new version at once.

import { useEffect, useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { saver } from "../save";
import { store } from "../store";
import { closeDialog } from "../panels/Dialogs";

interface Deployed {
  id: string;
  endpoint_path: string;
  version: number;
}

interface Comparison {
  summary: Record<"added" | "changed" | "removed", number>;
  changes: { kind: string; label: string; change: string }[];
}

interface Outcome {
  version: number;
  moved: Deployed[];
  refused: { path: string; reason: string }[];
}

export function PublishDialog({ about }: { about: unknown }) {
  const thenDeploy = about === "deploy";
  const { data } = store.get();
  const next = (data.design.latest_version ?? 0) + 1;
  const [note, setNote] = useState("");
  const [deployed, setDeployed] = useState<Deployed[]>([]);
  const [ticked, setTicked] = useState<Set<string>>(new Set());
  const [comparison, setComparison] = useState<Comparison | null>(null);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);

  useEffect(() => {
    void deploymentsOf().then(setDeployed);
    void changesSince(data.design.latest_version).then(setComparison);
  }, []);

  const publish = async () => {
    setBusy(true);
    setProblem("");
    try {
      const published = await publishDraft(note);
      if (thenDeploy) return location.assign(`${data.urls.deploy}?design=${data.design.id}&version=${published}`);
      setOutcome(await moveAll(published, deployed.filter((row) => ticked.has(row.id))));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.message);
    } finally {
      setBusy(false);
    }
  };
  if (outcome) return <Published outcome={outcome} />;
  const toggle = (id: string) => {
    const after = new Set(ticked);
    if (!after.delete(id)) after.add(id);
    setTicked(after);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void publish();
      }}
    >
      <div class="pad">
        {comparison && <Changes comparison={comparison} since={data.design.latest_version} />}
        <div class="field">
          <label for="publish-note">Note <span class="end faint">optional</span></label>
          <input id="publish-note" class="input" maxLength={500} value={note} placeholder="What is new?" onInput={({ currentTarget }) => setNote(currentTarget.value)} />
        </div>
        {deployed.length > 0 && !thenDeploy && (
          <fieldset class="stack tight">
            <legend>Move to v{next} right away</legend>
            {deployed.map((row) => (
              <label key={row.id} class="row small">
                <input type="checkbox" checked={ticked.has(row.id)} onChange={() => toggle(row.id)} />
                <span class="mono">{row.endpoint_path}</span>
                <span class="faint">uses v{row.version}</span>
              </label>
            ))}
          </fieldset>
        )}
        {problem && <p class="note bad" role="alert">{problem}</p>}
      </div>
      <footer>
        <button class="button" type="button" onClick={closeDialog}>Cancel</button>
        <button class="button primary" type="submit" disabled={isBusy}>
          {thenDeploy ? `Publish v${next} and deploy` : `Publish v${next}`}
        </button>
      </footer>
    </form>
  );
}

function Changes({ comparison, since }: { comparison: Comparison; since: number | null }) {
  const shown = comparison.changes.slice(0, 8);
  return (
    <div class="stack tight">
      <p class="small soft">{comparison.changes.length ? `Changed since v${since}:` : `Nothing has changed since v${since}.`}</p>
      <ul class="change-list">
        {shown.map((row, place) => (
          <li key={place} class="row small">
            <span class={`sign ${row.change}`} aria-hidden="true">{{ added: "+", removed: "−", changed: "~" }[row.change] ?? "~"}</span>
            <span class="visually-hidden">{row.change}</span>
            <span>{row.label}</span> <span class="faint">{row.kind}</span>
          </li>
        ))}
      </ul>
      {comparison.changes.length > shown.length && <p class="small faint">and {comparison.changes.length - shown.length} more</p>}
    </div>
  );
}

function Published({ outcome }: { outcome: Outcome }) {
  const { data } = store.get();
  const { version, moved, refused } = outcome;
  return (
    <>
      <div class="pad">
        <p class="note">Version {version} is published.</p>
        {moved.length > 0 && (
          <ul class="stack tight small">
            {moved.map((row) => (
              <li key={row.id}><a href={`${data.urls.deployments}${row.id}/`} class="mono">{row.endpoint_path}</a> now uses v{version}.</li>
            ))}
          </ul>
        )}
        {refused.map((row) => <p key={row.path} class="note bad"><span class="mono">{row.path}</span> keeps its version. {row.reason}</p>)}
      </div>
      <footer>
        <a class="button" href={data.urls.versions}>Versions</a>
        <button class="button end" type="button" onClick={closeDialog}>Close</button>
        {data.rights.deploy && (
          <a class="button primary" href={`${data.urls.deploy}?design=${data.design.id}&version=${version}`}>Deploy</a>
        )}
      </footer>
    </>
  );
}

/** The number of the new version. Raises ApiError, also if the draft could not be saved first. */
async function publishDraft(note: string): Promise<number> {
  if (!(await saver.flush())) throw new ApiError(409, { detail: "The draft is not saved yet, so it cannot be published." });
  const { data } = store.get();
  const { body } = await call<{ version: number }>(data.urls.api_publish ?? "", {
    body: { note },
    headers: { "If-Match": `"r${saver.currentRevision}"` },
  });
  const now = store.get().data;
  store.set({ data: { ...now, design: { ...now.design, latest_version: body.version } } });
  return body.version;
}

async function moveAll(version: number, rows: Deployed[]): Promise<Outcome> {
  const outcome: Outcome = { version, moved: [], refused: [] };
  for (const row of rows) {
    try {
      await call(`${store.get().data.urls.api_deployments}/${row.id}`, { method: "PATCH", body: { version } });
      outcome.moved.push(row);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      outcome.refused.push({ path: row.endpoint_path, reason: error.message });
    }
  }
  return outcome;
}

async function deploymentsOf(): Promise<Deployed[]> {
  const { data } = store.get();
  if (!data.rights.deploy) return [];
  const answer = await call<{ results: Deployed[] }>(`${data.urls.api_deployments}?design_id=${data.design.id}&limit=100`).catch(() => null);
  return answer?.body.results ?? [];
}

async function changesSince(version: number | null): Promise<Comparison | null> {
  if (version === null) return null;
  await saver.flush();
  const url = `${store.get().data.urls.api_compare}?from=${version}&to=draft`;
  const answer = await call<Comparison>(url).catch(() => null);
  return answer?.body ?? null;
}
