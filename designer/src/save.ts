// Saves the draft as one goes: one request at a time, merged with what others saved, kept in this
// browser until the server has it.

import { ApiError, call } from "./api";
import { same, whyNotDrawn, type DesignDocument, type Problem } from "./document";
import { forgetLocally, keepLocally, takeLocally } from "./local";
import { merge, partName, partNames, type Conflict, type Merged } from "./merge";
import { store, type SaveState } from "./store";

const QUIET_MILLISECONDS = 1_000;
const LONGEST_MILLISECONDS = 5_000;
const KEEP_MILLISECONDS = 300;
const RETRY_MILLISECONDS = [2_000, 5_000, 10_000, 30_000];
/** Browsers send no more than 64 kB while a page is being left. */
const LEAVING_BYTES = 60_000;

export interface DesignAnswer {
  revision: number;
  document: unknown;
  changed_by: string | null;
  changed_at: string;
  problems?: Problem[];
}

/** What the conflict dialog needs. `finish` takes the document with all choices made, and resolves to
 *  null, or to a sentence if both states could not be kept first. */
export interface ConflictChoice {
  by: string | null;
  merged: DesignDocument;
  conflicts: Conflict[];
  finish: (document: DesignDocument) => Promise<string | null>;
}

class Saver {
  private acknowledged!: DesignDocument;
  private revision = 0;
  /** What was sent without an answer: the server may have one of these. */
  private unanswered: DesignDocument[] = [];
  private sending: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private keepTimer: ReturnType<typeof setTimeout> | undefined;
  private firstChange = 0;
  private savedAt = new Date();
  private tries = 0;
  private isKept = true;
  private isDeciding = false;

  start(): void {
    const { document, data } = store.get();
    this.acknowledged = document ?? { blocks: [] };
    this.revision = data.design.revision;
    this.savedAt = new Date(data.design.changed_at);
    if (store.get().readOnly) return;
    if (document) this.takeUpLocalCopy();
    store.onChange(() => this.changed());
    addEventListener("online", () => this.retryNow());
    addEventListener("focus", () => this.retryNow());
    addEventListener("blur", () => void this.flush());
    document_().addEventListener("visibilitychange", () => {
      if (document_().visibilityState === "hidden") this.leave();
      else this.retryNow();
    });
    addEventListener("pagehide", () => this.leave());
    addEventListener("beforeunload", (event) => {
      this.keep();
      if (this.isDirty && !this.isKept) event.preventDefault();
    });
  }

  get isDirty(): boolean {
    const { document } = store.get();
    return document !== null && document !== this.acknowledged && !same(document, this.acknowledged);
  }

  get currentRevision(): number {
    return this.revision;
  }

  /** Saves what is unsaved; resolves true once the server has everything. */
  async flush(): Promise<boolean> {
    clearTimeout(this.timer);
    while (this.sending) await this.sending;
    if (this.isDeciding) return false;
    if (this.isSettled) {
      this.settle(this.savedAt);
      return true;
    }
    this.sending = this.send().finally(() => {
      this.sending = null;
    });
    await this.sending;
    // Something may have changed while the request was under way.
    return this.isDirty ? this.isSound && this.flush() : true;
  }

  /** The server surely has just this draft. */
  private get isSettled(): boolean {
    return !this.isDirty && !this.unanswered.length;
  }

  private get isSound(): boolean {
    const { kind } = store.get().save;
    return kind === "saved" || kind === "changed" || kind === "saving";
  }

  /** Somebody else has saved this revision. */
  async heardOf(revision: number): Promise<void> {
    while (this.sending) await this.sending;
    if (revision <= this.revision || this.isDeciding) return;
    this.sending = this.fetchTheirs().finally(() => {
      this.sending = null;
    });
    await this.sending;
  }

  /** After the server itself replaced the draft: a restored version, applied suggestions. */
  takeOver(answer: DesignAnswer, name: string): void {
    if (whyNotDrawn(answer.document)) return location.reload();
    this.unanswered = [];
    this.acknowledge(answer.document as DesignDocument, answer);
    store.change(name, () => answer.document as DesignDocument);
    this.acknowledged = store.get().document ?? this.acknowledged;
    this.show({ kind: "saved", at: new Date(answer.changed_at) });
  }

  private changed(): void {
    if (this.isSettled) {
      // An undo may lead back to what the server has.
      if (!this.sending && !this.isDeciding) this.settle(this.savedAt);
      return;
    }
    if (!this.firstChange) this.firstChange = Date.now();
    if (this.isSound) this.show({ kind: "changed" });
    clearTimeout(this.keepTimer);
    this.keepTimer = setTimeout(() => this.keep(), KEEP_MILLISECONDS);
    const left = this.firstChange + LONGEST_MILLISECONDS - Date.now();
    this.later(Math.max(0, Math.min(QUIET_MILLISECONDS, left)));
  }

  /** Nothing is left to save: a copy in this browser would bring old work back at the next opening. */
  private settle(at: Date): void {
    clearTimeout(this.timer);
    clearTimeout(this.keepTimer);
    forgetLocally(this.person, this.design);
    this.firstChange = 0;
    this.tries = 0;
    if (store.get().save.kind !== "saved" || at !== this.savedAt) this.show({ kind: "saved", at });
  }

  private later(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), milliseconds);
  }

  private retryNow(): void {
    if (!this.isSettled && !this.sending) void this.flush();
  }

  private async send(): Promise<void> {
    // Read now, not when it was queued.
    const sent = store.get().document as DesignDocument;
    this.firstChange = 0;
    this.unanswered.push(sent);
    this.show({ kind: "saving" });
    try {
      const { body } = await call<DesignAnswer>(store.get().data.urls.api_design ?? "", {
        method: "PATCH",
        body: { document: sent },
        headers: { "If-Match": `"r${this.revision}"` },
      });
      this.tries = 0;
      this.saved(sent, body);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed(error);
    }
  }

  private saved(sent: DesignDocument, answer: DesignAnswer): void {
    this.unanswered = [];
    const stored = answer.document as DesignDocument;
    const now = store.get().document as DesignDocument;
    if (same(sent, stored)) {
      this.acknowledge(sent, answer);
    } else {
      // The server masks what looks like a secret.
      this.acknowledge(stored, answer);
      const merged = merge(sent, now, stored).document;
      if (!same(now, merged)) store.replace(merged, "Saved");
    }
    this.settleOrSave(answer);
  }

  private settleOrSave(answer: DesignAnswer): void {
    const at = new Date(answer.changed_at);
    if (!this.isDirty) return this.settle(at);
    this.show({ kind: "saved", at });
    this.changed();
  }

  private acknowledge(document: DesignDocument, answer: DesignAnswer): void {
    this.acknowledged = document;
    this.revision = answer.revision;
    this.savedAt = new Date(answer.changed_at);
    const { data } = store.get();
    const design = { ...data.design, revision: answer.revision, changed_by: answer.changed_by };
    store.set({ data: { ...data, design } });
  }

  private failed(error: ApiError): void {
    if (!error.isOffline) this.unanswered.pop();
    this.keep();
    if (error.status === 412) return this.meet(error.problem as unknown as DesignAnswer);
    if (error.isSignedOut) return this.show({ kind: "signed-out", kept: this.isKept });
    if (error.isOffline || error.status === 429) {
      this.show({ kind: "offline", kept: this.isKept });
      const place = Math.min(this.tries, RETRY_MILLISECONDS.length - 1);
      this.tries += 1;
      return this.later(RETRY_MILLISECONDS[place] ?? 30_000);
    }
    this.show({ kind: "refused", message: error.message });
    store.tell(`The draft was not saved. ${error.message}`, { isError: true });
  }

  private async fetchTheirs(): Promise<void> {
    try {
      const { body } = await call<DesignAnswer>(store.get().data.urls.api_design ?? "");
      if (body.revision > this.revision) this.meet(body);
    } catch (error) {
      // It is found anew with the next save or the next message.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Two states of the draft meet: mine with what it began from, and theirs. */
  private meet(theirs: DesignAnswer): void {
    const reason = whyNotDrawn(theirs.document);
    const mine = store.get().document;
    if (!mine) {
      const action = { label: "Reload", run: () => location.reload() };
      if (!reason) store.tell("Somebody saved a draft that can be drawn.", { action });
      return;
    }
    if (reason) {
      this.show({ kind: "refused", message: `Somebody saved a draft that cannot be drawn. ${reason}` });
      return;
    }
    const other = theirs.document as DesignDocument;
    // An answer was lost: theirs is what I sent, from which I went on.
    const isMine = this.unanswered.some((sent) => same(sent, other));
    this.unanswered = [];
    const merged = merge(isMine ? other : this.acknowledged, mine, other);
    const by = theirs.changed_by;
    if (merged.conflicts.length) {
      this.decide(theirs, merged);
      return;
    }
    this.acknowledge(other, theirs);
    if (merged.taken.length || merged.renames) {
      store.replace(merged.document, "Merged", merged.renames);
      const [first] = merged.taken;
      const names = partNames(merged.taken, merged.document, mine);
      const show = () => first?.startsWith("block/") && store.select({ blocks: [first.slice("block/".length)] });
      const [renamed] = merged.renames?.blocks ?? [];
      const also = renamed ? ` Both of you added ${renamed[0]}: yours is ${renamed[1]} now.` : "";
      store.tell(`Merged ${by ?? "somebody"}’s change to ${names}.${also}`, { action: { label: "Show", run: show } });
    }
    if (this.isDirty) this.later(0);
    else this.settle(new Date(theirs.changed_at));
  }

  private decide(theirs: DesignAnswer, { document: merged, conflicts, renames }: Merged): void {
    this.isDeciding = true;
    this.keep();
    this.show({ kind: "conflict", by: theirs.changed_by });
    const mine = store.get().document as DesignDocument;
    // Whatever is chosen, both states stay in the draft's history before anything is overwritten.
    const keeping = { document: mine, reason: "conflict", revision: this.revision };
    const finish = async (document: DesignDocument): Promise<string | null> => {
      try {
        await call(store.get().data.urls.api_checkpoints ?? "", { body: keeping });
      } catch (error) {
        if (error instanceof ApiError) return error.message;
        throw error;
      }
      this.isDeciding = false;
      this.acknowledge(theirs.document as DesignDocument, theirs);
      store.replace(document, "Merged", renames);
      store.set({ dialog: null });
      void this.flush();
      return null;
    };
    const choice: ConflictChoice = { by: theirs.changed_by, merged, conflicts, finish };
    store.set({ dialog: { name: "conflict", about: choice } });
  }

  // --- In this browser ----------------------------------------------------------------------------

  private get person(): number {
    return store.get().data.me.id;
  }

  private get design(): string {
    return store.get().data.design.id;
  }

  private keep(): void {
    clearTimeout(this.keepTimer);
    const { document } = store.get();
    if (!document || this.isSettled) return;
    const sent = this.unanswered.at(-1);
    const copy = { revision: this.revision, base: this.acknowledged, sent, document, at: Date.now() };
    this.isKept = keepLocally(this.person, this.design, copy);
  }

  private leave(): void {
    this.keep();
    const { document, data } = store.get();
    if (!this.isDirty || this.sending || this.isDeciding || !document) return;
    const body = JSON.stringify({ document });
    // A longer draft may arrive, if the page is only hidden; else it is saved from the copy in this
    // browser at the next opening.
    if (new TextEncoder().encode(body).length > LEAVING_BYTES) return void this.flush();
    const headers = { "If-Match": `"r${this.revision}"` };
    this.unanswered.push(document);
    const sent = call<DesignAnswer>(data.urls.api_design ?? "", { method: "PATCH", body, headers, keepalive: true });
    this.sending = sent
      .then(({ body: answer }) => this.saved(document, answer))
      .catch((error: unknown) => {
        if (error instanceof ApiError) this.failed(error);
      })
      .finally(() => {
        this.sending = null;
      });
  }

  private takeUpLocalCopy(): void {
    const server = this.acknowledged;
    const copy = takeLocally(this.person, this.design, server);
    if (!copy) return;
    const at = new Date(copy.at).toLocaleString();
    if (copy.revision === this.revision) {
      store.change("Restore unsaved work", () => copy.document);
      store.tell(`Your unsaved work from ${at} is back.`, { action: store.undoing() });
      this.later(0);
      return;
    }
    const theirs: DesignAnswer = {
      revision: this.revision,
      document: server,
      changed_by: store.get().data.design.changed_by,
      changed_at: store.get().data.design.changed_at,
    };
    this.acknowledged = copy.base;
    if (copy.sent) this.unanswered = [copy.sent];
    store.change("Restore unsaved work", () => copy.document);
    this.meet(theirs);
  }

  private show(save: SaveState): void {
    if (save.kind === "saved") this.savedAt = save.at;
    store.set({ save });
  }
}

const document_ = () => globalThis.document;

export const saver = new Saver();

/** "Ben Kaya changed this draft" for the bar. */
export function saveWords(save: SaveState): string {
  switch (save.kind) {
    case "saved":
      return `Saved ${save.at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })}`;
    case "saving":
    case "changed":
      return "Saving…";
    case "offline":
      return save.kept ? "Not saved: no connection, kept in this browser" : "Not saved: no connection";
    case "signed-out":
      return "Signed out: sign in to save";
    case "refused":
      return `Not saved: ${save.message}`;
    case "conflict":
      return `${save.by ?? "Somebody"} changed this draft`;
  }
}

export { partName };
