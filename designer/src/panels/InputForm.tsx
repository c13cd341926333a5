// A form made from a JSON Schema: for trying a design, and as a preview of what callers fill in.
// What it cannot show is a field of JSON.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { isObject, same } from "../document";
import { Icon } from "./Icon";

export type Schema = Record<string, unknown>;

interface FieldProps {
  schema: Schema;
  value: unknown;
  change: (value: unknown) => void;
  /** Sentences by JSON pointer. */
  errors: Record<string, string>;
  path: string;
  prefix: string;
  depth: number;
}

const MAX_DEPTH = 6;
const MAX_RADIOS = 5;
const LONG_TEXT = 120;

interface FormProps {
  schema: Schema | null;
  value: unknown;
  change: (value: unknown) => void;
  errors?: Record<string, string>;
  /** Distinguishes the ids of two forms on one page. */
  prefix: string;
}

export function InputForm({ schema, value, change, errors = {}, prefix }: FormProps) {
  if (!isFormable(schema)) {
    return <JsonField schema={schema ?? {}} value={value} change={change} errors={errors} path="" prefix={prefix} depth={0} label="Input" />;
  }
  return <Properties schema={schema} value={value} change={change} errors={errors} path="" prefix={prefix} depth={0} />;
}

/** True if the schema describes an object with named fields. */
export function isFormable(schema: Schema | null): schema is Schema {
  return isObject(schema) && isObject(schema.properties) && Object.keys(schema.properties).length > 0;
}

function Properties(props: FieldProps) {
  const { schema, change, path } = props;
  const value = isObject(props.value) ? props.value : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const set = (name: string, inner: unknown) => {
    const { [name]: _, ...rest } = value;
    change(inner === undefined ? rest : { ...value, [name]: inner });
  };
  return (
    <div class="form-fields">
      {Object.entries(schema.properties as Record<string, unknown>).map(([name, inner]) => (
        <Field
          key={name}
          {...props}
          schema={isObject(inner) ? inner : {}}
          value={value[name]}
          change={(changed) => set(name, changed)}
          path={`${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`}
          depth={props.depth + 1}
          label={typeof (inner as Schema)?.title === "string" ? ((inner as Schema).title as string) : name}
          isRequired={required.includes(name)}
        />
      ))}
    </div>
  );
}

type LabelledProps = FieldProps & { label: string; isRequired?: boolean };

function Field(props: LabelledProps) {
  const { schema, depth } = props;
  const kind = kindOf(schema);
  if (depth > MAX_DEPTH || kind === "json") return <JsonField {...props} />;
  if (kind === "object") {
    return (
      <fieldset class="form-group">
        <legend>{props.label}{props.isRequired && <Required />}</legend>
        <Help schema={schema} />
        <Properties {...props} />
      </fieldset>
    );
  }
  if (kind === "array") return <Rows {...props} />;
  if (kind === "boolean") return <Check {...props} />;
  return <Simple {...props} kind={kind} />;
}

/** The type that a field is made for; null among the types only means that it may be left out. */
function kindOf(schema: Schema): string {
  if (Array.isArray(schema.enum)) return "choice";
  const types = [schema.type].flat().filter((type) => type !== "null");
  const [type] = types;
  if (types.length !== 1 || typeof type !== "string") return "json";
  if (type === "object") return isFormable(schema) ? "object" : "json";
  if (type === "array") return isObject(schema.items) ? "array" : "json";
  return type;
}

const Required = () => <span class="faint"> required</span>;

function Help({ schema, id }: { schema: Schema; id?: string }) {
  return typeof schema.description === "string" && schema.description ? <p class="help" id={id}>{schema.description}</p> : null;
}

function limitsOf(schema: Schema): string {
  const { minimum, maximum } = schema;
  if (typeof minimum === "number" && typeof maximum === "number") return `${minimum}–${maximum}`;
  if (typeof minimum === "number") return `${minimum} or more`;
  if (typeof maximum === "number") return `${maximum} or less`;
  return "";
}

function Frame({ props, id, children }: { props: LabelledProps; id: string; children: preact.ComponentChildren }) {
  const error = props.errors[props.path];
  const note = [limitsOf(props.schema), props.isRequired ? "required" : ""].filter(Boolean).join(", ");
  return (
    <div class="field">
      <label for={id}>
        {props.label}
        {note && <span class="end faint">{note}</span>}
      </label>
      {children}
      <Help schema={props.schema} id={`${id}-help`} />
      {error && <p class="error" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

function Simple(props: LabelledProps & { kind: string }) {
  const { schema, value, change, kind, path, prefix, errors } = props;
  const id = `${prefix}${path.replaceAll("/", "-")}`;
  const described = [schema.description ? `${id}-help` : "", errors[path] ? `${id}-error` : ""].filter(Boolean).join(" ");
  const shared = {
    id,
    class: errors[path] ? "input invalid" : "input",
    "aria-describedby": described || undefined,
    "aria-invalid": errors[path] ? true : undefined,
    placeholder: placeholderOf(schema),
  };
  if (kind === "choice") return <Choice {...props} id={id} />;
  if (kind === "integer" || kind === "number") {
    return (
      <Frame props={props} id={id}>
        <NumberInput
          {...shared}
          step={kind === "integer" ? 1 : "any"}
          min={numberIn(schema.minimum)}
          max={numberIn(schema.maximum)}
          value={numberIn(value)}
          change={change}
        />
      </Frame>
    );
  }
  const text = typeof value === "string" ? value : "";
  const set = (written: string) => change(written === "" && !props.isRequired ? undefined : written);
  const isLong = typeof schema.maxLength !== "number" || schema.maxLength > LONG_TEXT;
  return (
    <Frame props={props} id={id}>
      {isLong && !schema.format ? (
        <textarea {...shared} rows={3} maxLength={numberIn(schema.maxLength)} value={text} onInput={({ currentTarget }) => set(currentTarget.value)} />
      ) : (
        <input {...shared} type={INPUT_TYPES[String(schema.format)] ?? "text"} maxLength={numberIn(schema.maxLength)} value={text} onInput={({ currentTarget }) => set(currentTarget.value)} />
      )}
    </Frame>
  );
}

const INPUT_TYPES: Record<string, string> = { date: "date", email: "email", uri: "url" };
const numberIn = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

type NumberProps = Omit<JSX.IntrinsicElements["input"], "value"> & { value: number | undefined; change: (value: number | undefined) => void };

/** `1.0` stays as it is typed, on the way to `1.05`. */
export function NumberInput({ value, change, ...rest }: NumberProps) {
  const [text, setText] = useState("");
  const read = (written: string) => (written === "" ? undefined : Number(written));
  const write = (written: string) => {
    setText(written);
    change(read(written));
  };
  const shown = read(text) === value ? text : String(value ?? "");
  return <input {...rest} type="number" value={shown} onInput={({ currentTarget }) => write(currentTarget.value)} />;
}

function placeholderOf(schema: Schema): string | undefined {
  const example = Array.isArray(schema.examples) ? schema.examples[0] : schema.default;
  return typeof example === "string" || typeof example === "number" ? String(example) : undefined;
}

function Choice(props: LabelledProps & { id: string }) {
  const { schema, value, change, id, path } = props;
  const options = schema.enum as unknown[];
  const text = (option: unknown) => (typeof option === "string" ? option : JSON.stringify(option));
  if (options.length <= MAX_RADIOS) {
    return (
      <fieldset class="field">
        <legend>{props.label}{props.isRequired && <Required />}</legend>
        <div class="row wrap">
          {options.map((option) => (
            <label key={text(option)} class="row small">
              <input type="radio" name={id} checked={value === option} onChange={() => change(option)} />
              {text(option)}
            </label>
          ))}
        </div>
        <Help schema={schema} />
        {props.errors[path] && <p class="error">{props.errors[path]}</p>}
      </fieldset>
    );
  }
  const chosen = options.indexOf(value);
  return (
    <Frame props={props} id={id}>
      <select id={id} class="input" value={String(chosen)} onChange={({ currentTarget }) => change(options[Number(currentTarget.value)])}>
        <option value="-1">–</option>
        {options.map((option, place) => <option key={text(option)} value={String(place)}>{text(option)}</option>)}
      </select>
    </Frame>
  );
}

function Check(props: LabelledProps) {
  const { schema, value, change, path, prefix, errors } = props;
  const id = `${prefix}${path.replaceAll("/", "-")}`;
  return (
    <div class="field">
      <label class="row" for={id}>
        <input id={id} type="checkbox" checked={value === true} onChange={({ currentTarget }) => change(currentTarget.checked)} />
        {props.label}
      </label>
      <Help schema={schema} />
      {errors[path] && <p class="error">{errors[path]}</p>}
    </div>
  );
}

function Rows(props: LabelledProps) {
  const { schema, change, path } = props;
  const rows = Array.isArray(props.value) ? props.value : [];
  const item = schema.items as Schema;
  const set = (place: number, value: unknown) => change(rows.map((row, other) => (other === place ? value : row)));
  return (
    <fieldset class="form-group">
      <legend>{props.label}{props.isRequired && <Required />}</legend>
      <Help schema={schema} />
      {rows.map((row, place) => (
        <div class="form-row" key={place}>
          <Field {...props} schema={item} value={row} change={(value) => set(place, value ?? null)} path={`${path}/${place}`} depth={props.depth + 1} label={String(place + 1)} isRequired />
          <button class="button bare square small" type="button" aria-label={`Remove ${props.label} ${place + 1}`} onClick={() => change(rows.filter((_, other) => other !== place))}>
            <Icon name="trash" small />
          </button>
        </div>
      ))}
      <button class="button small" type="button" onClick={() => change([...rows, emptyOf(item)])}>
        <Icon name="plus" small />Add
      </button>
      {props.errors[path] && <p class="error">{props.errors[path]}</p>}
    </fieldset>
  );
}

function emptyOf(schema: Schema): unknown {
  if ("default" in schema) return schema.default;
  const empty: Record<string, unknown> = { object: {}, array: [], string: "", boolean: false, integer: 0, number: 0 };
  return empty[kindOf(schema)] ?? null;
}

/** Text that is no JSON stays as it is written, and the value as it was. */
function JsonField(props: LabelledProps) {
  const { value, change, path, prefix, errors } = props;
  const id = `${prefix}${path.replaceAll("/", "-") || "-json"}`;
  const [written, setWritten] = useState<{ text: string; value: unknown; isJson: boolean } | null>(null);
  const write = (text: string) => {
    try {
      const parsed: unknown = text.trim() ? JSON.parse(text) : undefined;
      setWritten({ text, value: parsed, isJson: true });
      change(parsed);
    } catch {
      setWritten({ text, value, isJson: false });
    }
  };
  // Another value than the one that was written (an earlier input was chosen) is shown. No input is {}.
  const own = written && same(written.value ?? {}, value ?? {}) ? written : null;
  const text = own ? own.text : value === undefined ? "" : JSON.stringify(value, null, 2);
  const error = own && !own.isJson ? "This is not JSON yet." : errors[path];
  return (
    <div class="field">
      <label for={id}>{props.label} <span class="end faint">JSON{props.isRequired ? ", required" : ""}</span></label>
      <textarea id={id} class={error ? "input code invalid" : "input code"} rows={4} spellcheck={false} value={text} onInput={({ currentTarget }) => write(currentTarget.value)} />
      <Help schema={props.schema} />
      {error && <p class="error">{error}</p>}
    </div>
  );
}
