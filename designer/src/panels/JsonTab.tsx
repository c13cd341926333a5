// The whole draft as JSON; what is valid and can be drawn is applied as one change.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../api";
import { whyNotDrawn, type DesignDocument } from "../document";
import type { JsonEditor } from "../editor/json-editor";
import { merge } from "../merge";
import { saver, type DesignAnswer } from "../save";
import { store, useStore } from "../store";

type EditorModule = typeof import("../editor/json-editor");

const textOf = (value: unknown) => JSON.stringify(value, null, 2);

/** What is written and not applied yet outlives a look at another tab. */
let unapplied: { text: string; shown: unknown } | null = null;

export function JsonTab() {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<JsonEditor | null>(null);
  const raw = useStore((state) => state.raw);
  const readOnly = useStore((state) => state.readOnly);
  const [text, setText] = useState(() => unapplied?.text ?? textOf(raw));
  const [shown, setShown] = useState(() => (unapplied ? unapplied.shown : raw));
  const [problem, setProblem] = useState("");
  const isTouched = text !== textOf(shown);
  unapplied = isTouched ? { text, shown } : null;

  // The draft changed elsewhere: shown at once, unless something is being written here.
  useEffect(() => {
    if (raw === shown || isTouched) return;
    setShown(raw);
    setText(textOf(raw));
    editor.current?.set(textOf(raw));
  }, [raw]);
  useEffect(() => {
    let isGone = false;
    const url = store.get().data.urls.json_editor;
    if (!url || !host.current) return;
    void (import(url) as Promise<EditorModule>).then(({ mount }) => {
      if (isGone || !host.current) return;
      editor.current = mount(host.current, { value: text, readOnly, label: "The draft as JSON", onChange: setText });
    });
    return () => {
      isGone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);

  const apply = async () => {
    const refusal = await applyJson(text, shown);
    setProblem(refusal ?? "");
    if (refusal !== null) return;
    const { raw: applied } = store.get();
    setShown(applied);
    setText(textOf(applied));
    if (textOf(applied) !== text) editor.current?.set(textOf(applied));
  };
  const discard = () => {
    setShown(raw);
    setText(textOf(raw));
    setProblem("");
    editor.current?.set(textOf(raw));
  };
  return (
    <div class="json-tab">
      <div class="json-host" ref={host}>
        {!store.get().data.urls.json_editor && (
          <textarea class="input code" aria-label="The draft as JSON" spellcheck={false} readOnly={readOnly} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        )}
      </div>
      {!readOnly && (
        <footer class="row">
          {problem && <p class="small error" role="alert">{problem}</p>}
          <button class="button small end" type="button" disabled={!isTouched} onClick={discard}>Discard</button>
          <button class="button small primary" type="button" disabled={!isTouched} onClick={() => void apply()}>Apply</button>
        </footer>
      )}
    </div>
  );
}

/** Null if it was applied, else why not. `before`: what the text was written from. */
async function applyJson(text: string, before: unknown): Promise<string | null> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : "unreadable"}.`;
  }
  const reason = whyNotDrawn(value);
  if (reason) return reason;
  if (store.get().document) {
    // What changed elsewhere while it was written stays.
    store.change("Edit as JSON", (now) => (now === before ? value : merge(before as DesignDocument, value as DesignDocument, now).document) as DesignDocument);
    return null;
  }
  // The draft could not be drawn before: saved as it is now, the page begins anew with it.
  try {
    await call<DesignAnswer>(store.get().data.urls.api_design ?? "", {
      method: "PATCH",
      body: { document: value },
      headers: { "If-Match": `"r${saver.currentRevision}"` },
    });
    location.reload();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : "It was not saved.";
  }
}
