// The page's head: name, state of the draft and of saving, people, and the verbs.

import { useEffect, useState } from "preact/hooks";
import { call } from "../api";
import type { DesignDocument } from "../document";
import { differences } from "../parts";
import { saveWords, saver } from "../save";
import { store, useStore, type SaveState } from "../store";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

export function Bar() {
  const { urls } = store.get().data;
  const people = useStore((state) => state.people);
  return (
    <header class="bar designer-bar">
      <a class="button bare square" href={urls.list} aria-label="Back to the designs">
        <Icon name="back" />
      </a>
      <Name />
      <DraftState />
      <SaveSign />
      <div class="row end">
        {people.length > 0 && (
          <span class="faces">
            {people.map((person) => (
              <span class="face" key={person.user} title={`${person.name} has this draft open`}>
                <span aria-hidden="true">{person.initials}</span>
                <span class="visually-hidden">{person.name} has this draft open</span>
              </span>
            ))}
          </span>
        )}
        <Verbs />
      </div>
    </header>
  );
}

function Name() {
  const name = useStore((state) => state.document?.name ?? state.data.design.name);
  const readOnly = useStore((state) => state.readOnly || state.document === null);
  if (readOnly) return <h1>{name}</h1>;
  const change = (value: string) =>
    store.change("Rename the design", (document) => ({ ...document, name: value }), "name");
  return (
    <h1 class="name">
      <label class="visually-hidden" for="design-name">Name of the design</label>
      <input
        id="design-name"
        value={name}
        maxLength={200}
        size={Math.max(8, Math.min(name.length + 1, 40))}
        onInput={({ currentTarget }) => change(currentTarget.value)}
        onBlur={() => store.closeGroup()}
        onKeyDown={(event) => {
          if (event.key === "Enter") event.currentTarget.blur();
        }}
      />
    </h1>
  );
}

/** How the draft differs from the latest version, whose document is fetched once. */
function DraftState() {
  const latest = useStore((state) => state.data.design.latest_version);
  const document = useStore((state) => state.document);
  const [version, setVersion] = useState<DesignDocument | null>(null);
  useEffect(() => {
    if (latest === null) return;
    const { urls } = store.get().data;
    void call<{ document: DesignDocument }>(`${urls.api_versions}/${latest}`)
      .then(({ body }) => setVersion(body.document))
      .catch(() => undefined);
  }, [latest]);
  if (latest === null) return <span class="chip line">Draft, never published</span>;
  if (!version || !document) return <span class="chip line">Draft after v{latest}</span>;
  const count = differences(version, document).filter(({ key }) => !/^(place|order)\//.test(key)).length;
  if (!count) return <span class="chip line">Same as v{latest}</span>;
  const words = `Draft, ${count} ${count === 1 ? "change" : "changes"} since v${latest}`;
  return <a class="chip line" href={`${store.get().data.urls.compare}?from=${latest}&to=draft`} onClick={leave}>{words}</a>;
}

function SaveSign() {
  const save = useStore((state) => state.save);
  if (useStore((state) => state.readOnly)) return <span class="saved">Read only</span>;
  const bad = save.kind === "offline" || save.kind === "signed-out" || save.kind === "refused" || save.kind === "conflict";
  return (
    <span class={bad ? "saved bad" : "saved"} role="status">
      <Icon name={save.kind === "saved" ? "check" : bad ? "cloud" : "up"} small />
      <SaveText save={save} />
    </span>
  );
}

function SaveText({ save }: { save: SaveState }) {
  const words = saveWords(save);
  if (save.kind !== "signed-out") return <span>{words}</span>;
  return <a href={store.get().data.urls.sign_in ?? "/"} target="_blank">{words}</a>;
}

/** Pages outside show the draft as saved. */
async function leave(event: MouseEvent): Promise<void> {
  if (!saver.isDirty || event.ctrlKey || event.metaKey) return;
  const { href } = event.currentTarget as HTMLAnchorElement;
  event.preventDefault();
  await saver.flush();
  location.assign(href);
}

function Verbs() {
  const { rights, urls, design } = store.get().data;
  const latest = useStore((state) => state.data.design.latest_version);
  const compare = `${urls.compare}?from=${latest}&to=draft`;
  return (
    <>
      {latest !== null && urls.compare && <a class="button bare wide-only" href={compare} onClick={leave}>Compare</a>}
      {urls.versions && <a class="button bare wide-only" href={urls.versions} onClick={leave}>Versions</a>}
      <button class="button phone-only" type="button" onClick={() => store.set({ palette: { ...store.get().palette, isOpen: !store.get().palette.isOpen } })}>Outline</button>
      {rights.try && (
        <button class="button" type="button" onClick={() => store.openDock("try")}>
          <Icon name="play" small />Try it
        </button>
      )}
      {rights.publish && !store.get().readOnly && <Publish />}
      {!rights.publish && rights.deploy && latest !== null && (
        <a class="button primary" href={`${urls.deploy}?design=${design.id}`}>Deploy</a>
      )}
      <MoreMenu />
    </>
  );
}

function Publish() {
  const next = useStore((state) => (state.data.design.latest_version ?? 0) + 1);
  const count = useStore((state) => state.problems.length);
  const why = count === 1 ? "One problem keeps this draft from being published" : `${count} problems keep this draft from being published`;
  const open = (about?: string) => {
    if (!count) return store.set({ dialog: { name: "publish", about } });
    store.openDock("problems");
    store.tell(`${why}.`);
  };
  return (
    <span class="button-group" title={count ? why : undefined}>
      <button class="button primary" type="button" aria-disabled={count > 0} onClick={() => open()}>Publish v{next}</button>
      <Menu label="More ways to publish" icon="down" isPrimary>
        <button type="button" role="menuitem" onClick={() => open()}>Publish</button>
        {store.get().data.rights.deploy && (
          <button type="button" role="menuitem" onClick={() => open("deploy")}>Publish and deploy</button>
        )}
      </Menu>
    </span>
  );
}

function MoreMenu() {
  const { rights, urls } = store.get().data;
  const readOnly = useStore((state) => state.readOnly);
  const latest = useStore((state) => state.data.design.latest_version);
  return (
    <Menu label="More" icon="more">
      {urls.versions && <a role="menuitem" href={urls.versions} onClick={leave}>Versions</a>}
      {latest !== null && rights.deploy && <a role="menuitem" href={`${urls.deploy}?design=${store.get().data.design.id}`} onClick={leave}>Deploy v{latest}</a>}
      {(rights.create || !readOnly) && (
        <button type="button" role="menuitem" onClick={() => store.set({ dialog: { name: "import" } })}>Import…</button>
      )}
      <a role="menuitem" href={urls.api_export} download onClick={leave}>Export as a file</a>
      {rights.create && <button type="button" role="menuitem" onClick={() => void clone()}>Clone</button>}
      <button type="button" role="menuitem" onClick={() => store.openDock("json")}>JSON</button>
      <button type="button" role="menuitem" onClick={() => store.set({ dialog: { name: "keys" } })}>Keys</button>
      {rights.delete && <button type="button" role="menuitem" class="danger" onClick={() => store.set({ dialog: { name: "delete" } })}>Delete…</button>}
    </Menu>
  );
}

async function clone(): Promise<void> {
  const { data, document } = store.get();
  if (!document) return;
  const name = `Copy of ${document.name ?? data.design.name}`.slice(0, 200);
  try {
    const { body } = await call<{ id: string }>(data.urls.api_designs ?? "", { body: { document, name } });
    if (await saver.flush()) location.assign(`${data.urls.list}${body.id}/`);
  } catch (error) {
    store.tell(error instanceof Error ? error.message : "The design was not cloned.", { isError: true });
  }
}
