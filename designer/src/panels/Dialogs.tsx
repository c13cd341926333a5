// The one open dialog, by its name.

import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { store, useStore } from "../store";
import { Icon } from "./Icon";
import { NotFetched, usePanels } from "./Later";

export interface DialogProps {
  about: unknown;
}

interface Entry {
  title: string;
  content: "ConflictDialog" | "DeleteDialog" | "ImportDialog" | "KeysDialog" | "PublishDialog";
  /** Escape and the cross close it; otherwise a choice must be made. */
  closes: boolean;
  isWide?: boolean;
}

const DIALOGS: Record<string, Entry> = {
  publish: { title: "Publish", content: "PublishDialog", closes: true },
  conflict: { title: "Two people changed the same text", content: "ConflictDialog", closes: false, isWide: true },
  import: { title: "Import", content: "ImportDialog", closes: true, isWide: true },
  delete: { title: "Delete this design", content: "DeleteDialog", closes: true },
  keys: { title: "Keys", content: "KeysDialog", closes: true, isWide: true },
};

export const closeDialog = (): void => store.set({ dialog: null });

export function Dialogs() {
  const dialog = useStore((state) => state.dialog);
  const entry = dialog && DIALOGS[dialog.name];
  return entry ? <Frame key={dialog.name} entry={entry} about={dialog.about} /> : null;
}

function Frame({ entry, about }: { entry: Entry; about: unknown }) {
  const element = useRef<HTMLDialogElement>(null);
  const { panels, again } = usePanels();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const { title, content, closes, isWide } = entry;
  const Content = panels?.[content] as ComponentType<DialogProps> | undefined;
  return (
    <dialog
      ref={element}
      class={isWide ? "wide" : ""}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        if (closes) closeDialog();
      }}
    >
      <header>
        <h2 id="dialog-title">{title}</h2>
        {closes && (
          <button class="button bare square small end" type="button" aria-label="Close" onClick={closeDialog}>
            <Icon name="close" small />
          </button>
        )}
      </header>
      {again && <div class="pad"><NotFetched again={again} /></div>}
      {Content && <Content about={about} />}
    </dialog>
  );
}
