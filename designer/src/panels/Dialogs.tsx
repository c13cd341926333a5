// The one open dialog, by its name. A part that brings a dialog registers it.

import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { KeysDialog } from "../canvas/KeysDialog";
import { store, useStore } from "../store";
import { ConflictDialog } from "../dialogs/ConflictDialog";
import { DeleteDialog } from "../dialogs/DeleteDialog";
import { ImportDialog } from "../dialogs/ImportDialog";
import { PublishDialog } from "../dialogs/PublishDialog";
import { Icon } from "./Icon";

export interface DialogProps {
  about: unknown;
}

interface Entry {
  title: string;
  Content: ComponentType<DialogProps>;
  /** Escape and the cross close it; otherwise a choice must be made. */
  closes: boolean;
  isWide?: boolean;
}

const REGISTERED: Record<string, Entry> = {
  publish: { title: "Publish", Content: PublishDialog, closes: true },
  conflict: { title: "Two people changed the same text", Content: ConflictDialog, closes: false, isWide: true },
  import: { title: "Import", Content: ImportDialog, closes: true, isWide: true },
  delete: { title: "Delete this design", Content: DeleteDialog, closes: true },
  keys: { title: "Keys", Content: KeysDialog, closes: true, isWide: true },
};

export function registerDialog(name: string, entry: Entry): void {
  REGISTERED[name] = entry;
}

export const closeDialog = (): void => store.set({ dialog: null });

export function Dialogs() {
  const dialog = useStore((state) => state.dialog);
  const entry = dialog && REGISTERED[dialog.name];
  return entry ? <Frame key={dialog.name} entry={entry} about={dialog.about} /> : null;
}

function Frame({ entry, about }: { entry: Entry; about: unknown }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const { title, Content, closes, isWide } = entry;
  return (
    <dialog
      ref={element}
      class={isWide ? "dialog wide" : "dialog"}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        if (closes) closeDialog();
      }}
    >
      <header class="row">
        <h2 id="dialog-title">{title}</h2>
        {closes && (
          <button class="button bare square small end" type="button" aria-label="Close" onClick={closeDialog}>
            <Icon name="close" small />
          </button>
        )}
      </header>
      <Content about={about} />
    </dialog>
  );
}
