// The input that callers give: its fields one by one, or as JSON, and the form that it becomes.

import { useState } from "preact/hooks";
import { isObject, same } from "../document";
import { idFrom } from "../edit";
import { store, useStore } from "../store";
import { Icon } from "./Icon";
import { InputForm, NumberInput, type Schema } from "./InputForm";

const KINDS: [string, string, Schema][] = [
  ["text", "Text", { type: "string", maxLength: 120 }],
  ["long", "Long text", { type: "string" }],
  ["integer", "Whole number", { type: "integer" }],
  ["number", "Number", { type: "number" }],
  ["boolean", "Yes or no", { type: "boolean" }],
  ["choice", "Choice", { enum: ["first", "second"] }],
  ["list", "List of texts", { type: "array", items: { type: "string" } }],
];

export function InputSchema() {
  const schema = useStore((state) => (state.document?.input_schema ?? null) as Schema | null);
  const readOnly = useStore((state) => state.readOnly);
  const [shows, show] = useState<"fields" | "preview">("fields");
  const properties = isObject(schema?.properties) ? schema.properties : {};
  const required = Array.isArray(schema?.required) ? (schema.required as unknown[]) : [];
  const change = (name: string, next: Schema | null, group: string | null = null) =>
    store.change(name, (document) => ({ ...document, input_schema: next }), group);
  const setAll = (fields: Record<string, unknown>, needed: unknown[], name: string, group: string | null = null) =>
    change(name, { ...(schema ?? {}), type: "object", properties: fields, required: needed.filter((field) => String(field) in fields) }, group);
  const add = () => {
    let name = "field";
    for (let number = 2; name in properties; number += 1) name = `field_${number}`;
    setAll({ ...properties, [name]: { type: "string" } }, [...required, name], "Add an input field");
  };
  return (
    <div class="input-schema">
      <span class="button-group" role="group" aria-label="What is shown">
        <button class="button small" type="button" aria-pressed={shows === "fields"} onClick={() => show("fields")}>Fields</button>
        <button class="button small" type="button" aria-pressed={shows === "preview"} onClick={() => show("preview")}>Form</button>
      </span>
      {shows === "preview" ? <Preview schema={schema} /> : (
        <>
          {Object.entries(properties).map(([name, field], place) => (
            <FieldEditor
              key={place}
              name={name}
              field={isObject(field) ? field : {}}
              isRequired={required.includes(name)}
              readOnly={readOnly}
              rename={(to) => {
                const key = idFrom(to);
                if (key === name || key in properties) return;
                setAll(Object.fromEntries(Object.entries(properties).map(([other, value]) => (other === name ? [key, untitled(value)] : [other, value]))), required.map((other) => (other === name ? key : other)), "Rename an input field");
              }}
              change={(value, group) => setAll({ ...properties, [name]: value }, required, `Change ${name}`, group)}
              require={(needed) => setAll(properties, needed ? [...required, name] : required.filter((other) => other !== name), `Change ${name}`)}
              remove={() => setAll(Object.fromEntries(Object.entries(properties).filter(([other]) => other !== name)), required, `Remove ${name}`)}
            />
          ))}
          {!Object.keys(properties).length && <p class="small soft">This design asks for no input fields yet.</p>}
          {!readOnly && <button class="button small" type="button" onClick={add}><Icon name="plus" small />Add a field</button>}
        </>
      )}
    </div>
  );
}

/** A title says the old name. */
function untitled(field: unknown): unknown {
  if (!isObject(field)) return field;
  const { title: _, ...rest } = field;
  return rest;
}

function Preview({ schema }: { schema: Schema | null }) {
  const [value, setValue] = useState<unknown>({});
  return <InputForm schema={schema} value={value} change={setValue} prefix="preview" />;
}

interface EditorProps {
  name: string;
  field: Schema;
  isRequired: boolean;
  readOnly: boolean;
  rename: (to: string) => void;
  change: (value: Schema, group?: string) => void;
  require: (needed: boolean) => void;
  remove: () => void;
}

function kindOf(field: Schema): string {
  if (Array.isArray(field.enum)) return "choice";
  if (field.type === "string") return typeof field.maxLength === "number" && field.maxLength <= 120 ? "text" : "long";
  if (field.type === "array") return "list";
  return typeof field.type === "string" && KINDS.some(([kind]) => kind === field.type) ? field.type : "other";
}

function FieldEditor({ name, field, isRequired, readOnly, rename, change, require, remove }: EditorProps) {
  const kind = kindOf(field);
  const id = `input-${name}`;
  const setKind = (next: string) => {
    const fresh = KINDS.find(([key]) => key === next)?.[2];
    if (fresh) change({ ...(field.description ? { description: field.description } : {}), ...structuredClone(fresh) });
  };
  const set = (key: string, value: unknown) => {
    const { [key]: _, ...rest } = field;
    change(value === undefined || value === "" ? rest : { ...rest, [key]: value }, `${id}-${key}`);
  };
  const isNumeric = kind === "integer" || kind === "number";
  return (
    <fieldset class="schema-field" disabled={readOnly}>
      <legend class="visually-hidden">{name}</legend>
      <div class="row">
        <input class="input mono" aria-label={`Name of ${name}`} value={name} maxLength={64} onChange={({ currentTarget }) => rename(currentTarget.value)} />
        <button class="button bare square small" type="button" aria-label={`Remove ${name}`} onClick={remove}><Icon name="trash" small /></button>
      </div>
      <div class="row">
        <select class="input" aria-label={`Type of ${name}`} value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value)}>
          {KINDS.map(([key, label]) => <option key={key} value={key}>{label}</option>)}
          {kind === "other" && <option value="other">as in JSON</option>}
        </select>
        <label class="row small"><input type="checkbox" checked={isRequired} onChange={() => require(!isRequired)} />required</label>
      </div>
      {kind === "choice" && (
        <label class="small">Choices, one in each line
          <Choices values={field.enum as unknown[]} change={(values) => change({ ...field, enum: values }, `${id}-enum`)} />
        </label>
      )}
      {isNumeric && (
        <div class="row">
          {(["minimum", "maximum"] as const).map((limit) => (
            <NumberInput key={limit} class="input" aria-label={`${limit} of ${name}`} placeholder={limit} value={typeof field[limit] === "number" ? field[limit] : undefined} change={(value) => set(limit, value)} />
          ))}
        </div>
      )}
      <input class="input" aria-label={`Help for ${name}`} placeholder="Help: what to write here" value={typeof field.description === "string" ? field.description : ""} onInput={({ currentTarget }) => set("description", currentTarget.value)} />
    </fieldset>
  );
}

/** The choices of a text with one in each line; those that were there keep their type. */
export function choicesIn(text: string, before: unknown[]): unknown[] {
  const lines = [...new Set(text.split("\n").filter(Boolean))];
  return lines.map((line) => before.find((value) => String(value) === line) ?? line);
}

/** The line that is being begun stays, though it is no choice yet. */
function Choices({ values, change }: { values: unknown[]; change: (values: unknown[]) => void }) {
  const [text, setText] = useState("");
  const shown = same(choicesIn(text, values), values) ? text : values.map(String).join("\n");
  const write = (written: string) => {
    setText(written);
    const next = choicesIn(written, values);
    if (!same(next, values)) change(next);
  };
  return <textarea class="input" rows={3} value={shown} onInput={({ currentTarget }) => write(currentTarget.value)} />;
}
