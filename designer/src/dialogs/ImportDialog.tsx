// Import from a file, a drop, or a pasted text: what it becomes is shown before anything changes.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { whyNotDrawn, type DesignDocument, type Problem } from "../document";
import { saver, type DesignAnswer } from "../save";
import { store } from "../store";
import { closeDialog } from "../panels/Dialogs";

interface ReadDesign {
  document: DesignDocument;
  warnings: Problem[];
  problems: Problem[];
}

export function ImportDialog({ about }: { about: unknown }) {
  const [text, setText] = useState(typeof about === "string" ? about : "");
  const [designs, setDesigns] = useState<ReadDesign[] | null>(null);
  const [refusals, setRefusals] = useState<string[]>([]);
  const read = async (content: string) => {
    setRefusals([]);
    setDesigns(null);
    try {
      const { body } = await call<{ designs: ReadDesign[] }>(store.get().data.urls.api_read ?? "", { body: content });
      setDesigns(body.designs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setRefusals(reasons(error));
    }
  };
  useEffect(() => {
    if (text.trim()) void read(text);
  }, []);
  const choose = async (file: File | undefined) => {
    if (!file) return;
    const content = await file.text();
    setText(content);
    await read(content);
  };

  return (
    <>
      <div class="pad">
        {!designs && (
          <>
            <div class="field">
              <label for="import-file">File</label>
              <input id="import-file" class="input" type="file" accept="application/json,.json" onChange={({ currentTarget }) => void choose(currentTarget.files?.[0])} />
            </div>
            <div class="field">
              <label for="import-text">or text</label>
              <textarea id="import-text" class="input code" rows={8} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
            </div>
          </>
        )}
        {refusals.length > 0 && (
          <ul class="note bad" role="alert">
            {refusals.map((reason) => <li key={reason}>{reason}</li>)}
          </ul>
        )}
        {designs?.map((design, place) => <Found key={place} design={design} />)}
      </div>
      <Footer designs={designs} text={text} read={() => void read(text)} />
    </>
  );
}

function reasons(error: ApiError): string[] {
  const errors = Object.entries(error.problem.errors ?? {});
  return errors.length ? errors.flatMap(([path, sentences]) => [sentences].flat().map((sentence) => `${path}: ${sentence}`)) : [error.message];
}

function Found({ design }: { design: ReadDesign }) {
  const { document, warnings, problems } = design;
  const count = document.blocks?.length ?? 0;
  return (
    <section class="stack tight">
      <h3>{document.name || "Untitled design"} <span class="faint small">{count === 1 ? "1 block" : `${count} blocks`}</span></h3>
      {warnings.length > 0 && (
        <ul class="note warn lines">
          {warnings.map((warning) => <li key={warning.path + warning.message}><code>{warning.path}</code> {warning.message}</li>)}
        </ul>
      )}
      {problems.length > 0 && <p class="small soft">{problems.length === 1 ? "One problem is" : `${problems.length} problems are`} left to solve before it can be published.</p>}
    </section>
  );
}

function Footer({ designs, text, read }: { designs: ReadDesign[] | null; text: string; read: () => void }) {
  const { data, readOnly } = store.get();
  // A double click would make two designs.
  const isBusy = useRef(false);
  const once = async (verb: () => Promise<boolean>) => {
    if (isBusy.current) return;
    isBusy.current = true;
    isBusy.current = await verb();
  };
  if (!designs) {
    return (
      <footer>
        <button class="button primary" type="button" disabled={!text.trim()} onClick={read}>Read</button>
      </footer>
    );
  }
  const [first] = designs;
  return (
    <footer>
      {data.rights.create && (
        <button class="button" type="button" onClick={() => void once(() => createNew(text))}>
          {designs.length === 1 ? "As a new design" : `As ${designs.length} new designs`}
        </button>
      )}
      {!readOnly && designs.length === 1 && first && (
        <button class="button primary" type="button" onClick={() => void once(() => replaceDraft(first))}>Replace this draft</button>
      )}
    </footer>
  );
}

/** False if it may be tried again. */
async function createNew(text: string): Promise<boolean> {
  try {
    const { body } = await call<{ designs: { id: string }[] }>(store.get().data.urls.api_import ?? "", { body: text });
    const { urls } = store.get().data;
    const address = body.designs.length === 1 ? `${urls.list}${body.designs[0]?.id}/` : (urls.list ?? "");
    if (await saver.flush()) location.assign(address);
    else {
      closeDialog();
      store.tell("Imported as new. This draft is not saved yet.", { action: { label: "Open", run: () => location.assign(address) } });
    }
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.tell(error.message, { isError: true });
    return false;
  }
}

/** One undoable change; nothing is replaced unless the draft as it was is in its history first. */
async function replaceDraft({ document, warnings }: ReadDesign): Promise<boolean> {
  const refuse = (text: string) => {
    store.tell(text, { isError: true });
    return false;
  };
  const reason = whyNotDrawn(document);
  if (reason) return refuse(`This design cannot be drawn. ${reason}`);
  const before = store.get().document;
  if (before) {
    try {
      await call<DesignAnswer>(store.get().data.urls.api_checkpoints ?? "", { body: { document: before, reason: "import" } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return refuse(`Nothing was imported, because the draft as it is could not be kept first. ${error.message}`);
    }
  }
  store.change("Import", () => document);
  store.set({ importWarnings: warnings });
  closeDialog();
  store.tell("Imported. The draft as it was is in the draft’s history.", { action: store.undoing() });
  return true;
}
