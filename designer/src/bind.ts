// Binds the controls that the server made for a part (a block, agent, connection, the design) to its
// values. What the attributes mean is written in designs/inspector/templates.py.

import { same, type Problem } from "./document";
import { valueAt } from "./edit";
import { fetchPanels } from "./panels/Later";
import { showModels } from "./panels/ModelList";
import { piecesOf, type IsWrong } from "./placeholders";
import { Tags } from "./tags";

export interface Option {
  value: string;
  label: string;
}

export interface BindContext {
  part: unknown;
  options: (name: string, pointer: string) => Option[];
  /** Whether several parts, shown as one, differ here. */
  isMixed?: (pointer: string) => boolean;
}

/** `group`: changes that belong together while one types. */
export type Write = (pointer: string, value: unknown, group: string | null) => void;

interface Bound {
  element: HTMLElement;
  pointer: string;
  kind: string;
  standard: unknown;
  removes: boolean;
  /** The value that was written or shown last: what is being typed stays while the draft has just this. */
  shown: unknown;
}

const NOT_SHOWN = Symbol("not shown");
const MIXED = "different values";

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const TYPED = new Set(["text", "longtext", "template", "expression", "number", "integer"]);
let clones = 0;

export class Binding {
  private readonly bound: Bound[];
  // Its own alone: slots have parts with controls of their own.
  private readonly fields: HTMLElement[];
  private readonly tagged: { control: Bound; tags: Tags }[];
  private context: BindContext = { part: {}, options: () => [] };

  constructor(
    readonly host: HTMLElement,
    content: Node,
    private readonly write: Write,
    private readonly leave: () => void,
  ) {
    host.replaceChildren(content);
    clones += 1;
    for (const element of host.querySelectorAll("*")) withToken(element, `f${clones}`);
    this.bound = [...host.querySelectorAll<HTMLElement>("[data-pointer]")].map(read);
    this.fields = [...host.querySelectorAll<HTMLElement>("[data-field]")];
    this.tagged = this.bound.filter(hasPlaceholders).map((control) => ({ control, tags: new Tags(control.element as HTMLTextAreaElement) }));
    host.addEventListener("input", (event) => this.typed(event));
    host.addEventListener("change", (event) => this.chosen(event));
    host.addEventListener("focusout", () => this.leave());
  }

  slot(name: string): HTMLElement | null {
    return this.host.querySelector(`[data-slot="${name}"]`);
  }

  /** Whether this is a control of this part, and not of one in a slot. */
  owns(target: EventTarget | null): boolean {
    return this.ownerOf(target) !== undefined;
  }

  fill(context: BindContext): void {
    this.context = context;
    for (const control of this.bound) this.show(control);
    for (const field of this.fields) field.hidden = !this.isShown(field);
  }

  /** Puts sentences to their fields. `base` is the pointer of the part in the document. */
  showProblems(problems: Problem[], base: string): void {
    // Each problem goes to the innermost field around its place, and to one of several for one value.
    const owners = problems.map((problem) => innermost(this.fields, base, problem.path));
    for (const field of this.fields) {
      const here = problems.filter((_, place) => owners[place] === field);
      const error = field.querySelector<HTMLElement>(".error");
      if (!error || this.bound.some(({ element, shown }) => shown === UNREADABLE && field.contains(element))) continue;
      error.textContent = here.map(({ message }) => message.replaceAll("`", "")).join(" ");
      error.hidden = !here.length;
      if (here.length) field.hidden = false;
      for (const control of field.querySelectorAll(".input")) {
        control.classList.toggle("invalid", here.length > 0);
        if (here.length) control.setAttribute("aria-invalid", "true");
        else control.removeAttribute("aria-invalid");
      }
    }
  }

  /** Draws placeholders as tags; what has a problem at its field is a wrong one. */
  drawTags(isWrong: IsWrong, problems: Problem[], base: string): void {
    for (const { control, tags } of this.tagged) {
      const { value } = control.element as HTMLTextAreaElement;
      const here = control.shown === value ? problems.filter(({ path }) => path === `${base}${control.pointer}`) : [];
      tags.draw(piecesOf(value, isWrong, here));
    }
  }

  /** Puts the focus on the field of a pointer, or the nearest around it; false without one. */
  focus(pointer: string): boolean {
    let wanted = pointer;
    while (wanted) {
      const field = this.fields.find(({ dataset }) => dataset.field === wanted);
      const control = field?.querySelector<HTMLElement>("input, textarea, select");
      if (field && control) {
        field.closest("details")?.setAttribute("open", "");
        field.hidden = false;
        control.focus();
        return true;
      }
      wanted = wanted.slice(0, wanted.lastIndexOf("/"));
    }
    return false;
  }

  // --- From the document to the controls ----------------------------------------------------------

  private show(control: Bound): void {
    const { element, pointer, kind, standard } = control;
    const value = valueAt(this.context.part, pointer);
    if (kind === "models") return this.showFurther(control, namesOf(value));
    if (kind === "tools") return this.showTools(control, value);
    const isMixed = this.context.isMixed?.(pointer) ?? false;
    const set = value ?? (isMixed ? undefined : standard);
    if (element.dataset.options && element instanceof HTMLSelectElement) this.offer(element, pointer, value);
    mark(control, isMixed);
    if (kind === "boolean") (element as HTMLInputElement).checked = set === true;
    else if (kind === "choice-or-integer") showUnion(element, set);
    else if (kind === "either") check(element, chosenKey(element, value));
    else if (element.getAttribute("role") === "radiogroup") check(element, textOf(set));
    else if (this.isBeingWritten(control, value)) return;
    else if (kind === "model") put(element as Control, isMixed ? MIXED : textOf(Array.isArray(value) ? value[0] : value));
    else if (kind === "json") put(element as Control, value === undefined || value === null ? "" : JSON.stringify(value, null, 2));
    else if (!isMixed || !(element instanceof HTMLSelectElement)) put(element as Control, textOf(element instanceof HTMLSelectElement ? set : value));
  }

  private showTools({ element, pointer }: Bound, value: unknown): void {
    const props = { id: `${element.id}-add`, describedBy: element.getAttribute("aria-describedby") ?? "", value };
    void fetchPanels().then(
      ({ showTools }) => showTools(element, { ...props, change: (tools) => this.write(pointer, tools, null) }),
      () => setError(element, "The list of tools could not be loaded. Load the page again."),
    );
  }

  private showFurther({ element, pointer, kind }: Bound, names: string[]): void {
    const change = (further: string[]) => {
      const before = valueAt(this.context.part, pointer);
      setError(element, names.length || !further.length ? "" : "Choose a model first: these are asked when it fails.");
      if (names.length) this.write(pointer, withModels(before, kind, further), null);
    };
    showModels(element, {
      id: `${element.id}-add`,
      describedBy: element.getAttribute("aria-describedby") ?? "",
      names: names.slice(1),
      offered: this.context.options("models", pointer).map(({ value }) => value).filter((name) => name !== names[0]),
      change,
    });
  }

  /** Typed text says what the draft has, in words of its own (`1.0`, a list's last comma, half a JSON). */
  private isBeingWritten(control: Bound, value: unknown): boolean {
    const { element, shown } = control;
    if (element instanceof HTMLSelectElement) return false;
    if (shown === UNREADABLE || (control.kind === "json" && element === document.activeElement)) return true;
    if (shown !== NOT_SHOWN && same(shown, value)) return true;
    control.shown = value;
    return false;
  }

  private offer(select: HTMLSelectElement, pointer: string, value: unknown): void {
    const fixed = [...select.options].filter(({ dataset }) => !dataset.offered && !dataset.mixed);
    const current = textOf(Array.isArray(value) ? value[0] : value);
    const options = this.context.options(select.dataset.options ?? "", pointer);
    if (current && !options.some((option) => option.value === current)) options.push({ value: current, label: current });
    const key = JSON.stringify(options);
    if (select.dataset.key === key) return;
    select.dataset.key = key;
    select.replaceChildren(
      ...fixed,
      ...options.map(({ value: name, label }) => {
        const option = new Option(label, name);
        option.dataset.offered = "1";
        return option;
      }),
    );
  }

  private isShown(field: HTMLElement): boolean {
    const { when } = field.dataset;
    if (when && !this.holds(when)) return false;
    const select = field.querySelector<HTMLSelectElement>("select[data-options]");
    return !select || select.options.length > (select.options[0]?.value === "" ? 1 : 0);
  }

  private holds(when: string): boolean {
    const [pointer = "", allowed] = when.split("=");
    const standard = this.bound.find((control) => control.pointer === pointer)?.standard;
    const value = valueAt(this.context.part, pointer);
    if (allowed === undefined) return value !== undefined && value !== null;
    return allowed.split("|").includes(String(value ?? standard ?? ""));
  }

  // --- From the controls to the document ----------------------------------------------------------

  private typed(event: Event): void {
    const control = this.ownerOf(event.target);
    if (!control || !TYPED.has(control.kind)) return;
    this.send(control, event.target as Control, control.pointer);
  }

  private chosen(event: Event): void {
    const control = this.ownerOf(event.target);
    if (!control) return;
    // Typed text has been written already, and lists of models and tools write by themselves.
    if (TYPED.has(control.kind) || control.kind === "models" || control.kind === "tools") return;
    this.send(control, event.target as Control, null);
  }

  private ownerOf(target: EventTarget | null): Bound | undefined {
    if (!(target instanceof Element)) return undefined;
    const element = target.closest("[data-pointer]");
    return this.bound.find((control) => control.element === element);
  }

  private send(control: Bound, target: Control, group: string | null): void {
    const { element, pointer, kind, standard, removes } = control;
    const before = valueAt(this.context.part, pointer);
    if (kind === "either") {
      for (const [key, value] of carried(element, before, target.value)) this.write(`${pointer}/${key}`, value, "either");
      return;
    }
    if (kind === "json") {
      const parsed = parsedJson(target.value);
      control.shown = parsed;
      setError(element, parsed === UNREADABLE ? "This is not JSON yet." : "");
      if (parsed !== UNREADABLE) this.write(pointer, parsed, null);
      return;
    }
    const value = kind === "model" ? withModels(before, kind, [target.value]) : typedValue(control, target);
    if (Number.isNaN(value)) return;
    const isDefault = removes && (value === "" || same(value, standard));
    const next = value === undefined || isDefault ? (removes ? undefined : "") : value;
    control.shown = next;
    if (this.context.isMixed?.(pointer) || !same(next, before)) this.write(pointer, next, group);
  }
}

function innermost(fields: HTMLElement[], base: string, path: string): HTMLElement | undefined {
  const around = fields.filter(({ dataset }) => path === `${base}${dataset.field}` || path.startsWith(`${base}${dataset.field}/`));
  return around.reduce<HTMLElement | undefined>(
    (best, field) => ((field.dataset.field?.length ?? 0) > (best?.dataset.field?.length ?? -1) ? field : best),
    undefined,
  );
}

const hasPlaceholders = ({ element, kind }: Bound): boolean =>
  element instanceof HTMLTextAreaElement && (kind === "template" || element.dataset.also === "template");

const UNREADABLE = Symbol("unreadable");

function read(element: HTMLElement): Bound {
  return {
    element,
    pointer: element.dataset.pointer ?? "",
    kind: element.dataset.kind ?? "text",
    standard: JSON.parse(element.dataset.default || "null"),
    removes: element.dataset.empty === "remove",
    shown: NOT_SHOWN,
  };
}

/** A copy of what the server made; without it, nothing. */
export function contentOf(templateId: string): DocumentFragment {
  const template = document.getElementById(templateId);
  return template instanceof HTMLTemplateElement ? (template.content.cloneNode(true) as DocumentFragment) : new DocumentFragment();
}

/** Several parts differ here: the control shows none of their values, and says so. */
function mark({ element, kind }: Bound, isMixed: boolean): void {
  if (kind === "boolean") (element as HTMLInputElement).indeterminate = isMixed;
  if (isMixed) element.setAttribute("aria-description", MIXED);
  else element.removeAttribute("aria-description");
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    element.dataset.placeholder ??= element.placeholder;
    element.placeholder = isMixed ? MIXED : element.dataset.placeholder;
  }
  if (!(element instanceof HTMLSelectElement)) return;
  const option = element.querySelector<HTMLOptionElement>("[data-mixed]") ?? new Option(MIXED, MIXED);
  option.dataset.mixed = "1";
  option.hidden = true;
  if (!isMixed) return option.remove();
  element.prepend(option);
  element.value = MIXED;
}

function withToken(element: Element, token: string): void {
  for (const { name, value } of [...element.attributes]) {
    if (value.includes("__id__")) element.setAttribute(name, value.replaceAll("__id__", token));
  }
}

function put(control: Control, value: string): void {
  if (control.value !== value) control.value = value;
}

const textOf = (value: unknown): string =>
  value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);

function check(group: HTMLElement, value: string): void {
  for (const radio of group.querySelectorAll<HTMLInputElement>("input[type=radio]")) {
    radio.checked = radio.value === value;
    radio.closest("label")?.classList.toggle("pressed", radio.checked);
  }
  if (group instanceof HTMLSelectElement) put(group, value);
}

function choicesOf(group: HTMLElement): string[] {
  const inputs = group instanceof HTMLSelectElement ? [...group.options] : [...group.querySelectorAll<HTMLInputElement>("input[type=radio]")];
  return inputs.map(({ value }) => value);
}

/** The key of an `either` that is there. */
function chosenKey(group: HTMLElement, value: unknown): string {
  const keys = choicesOf(group);
  return keys.find((key) => valueAt(value, `/${key}`) !== undefined && valueAt(value, `/${key}`) !== null) ?? "";
}

/** The chosen key gets the text that was there, the others go. */
function carried(group: HTMLElement, value: unknown, chosen: string): [string, unknown][] {
  const before = chosenKey(group, value);
  const text = before ? valueAt(value, `/${before}`) : "";
  return [[chosen, text], ...choicesOf(group).filter((key) => key !== chosen).map((key): [string, unknown] => [key, undefined])];
}

function showUnion(group: HTMLElement, value: unknown): void {
  const select = group.querySelector<HTMLSelectElement>("[data-part=choice]");
  const number = group.querySelector<HTMLInputElement>("[data-part=number]");
  if (!select || !number) return;
  const isNumber = typeof value === "number";
  put(select, isNumber ? "number" : textOf(value));
  if (isNumber) put(number, String(value));
  number.hidden = !isNumber;
}

function typedValue({ element, kind }: Bound, target: Control): unknown {
  if (kind === "boolean") return (target as HTMLInputElement).checked;
  if (kind === "choice-or-integer") return unionValue(element, target);
  if (kind === "number" || kind === "integer") return target.value === "" ? undefined : Number(target.value);
  return target.value;
}

function unionValue(group: HTMLElement, target: Control): unknown {
  if (target.dataset.part === "number") return target.value === "" ? Number.NaN : Number(target.value);
  if (target.value !== "number") return target.value;
  const number = group.querySelector<HTMLInputElement>("[data-part=number]");
  return Number(number?.value || number?.min || 1);
}

const namesOf = (models: unknown): string[] =>
  Array.isArray(models) ? models.map(String) : typeof models === "string" && models ? [models] : [];

/** One name is a text, several are a list, none removes the key. */
function withModels(before: unknown, kind: string, chosen: string[]): unknown {
  const names = namesOf(before);
  const all = (kind === "model" ? [...chosen, ...names.slice(1)] : [...names.slice(0, 1), ...chosen]).filter(Boolean);
  return all.length ? (all.length === 1 ? all[0] : all) : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return text.trim() ? JSON.parse(text) : undefined;
  } catch {
    return UNREADABLE;
  }
}

function setError(element: HTMLElement, text: string): void {
  const error = element.closest("[data-field]")?.querySelector<HTMLElement>(".error");
  if (!error) return;
  error.textContent = text;
  error.hidden = !text;
}
