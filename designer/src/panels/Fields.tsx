// The server-made controls of one part, bound to it, with completion and what placeholders are worth.

import type { ComponentChildren } from "preact";
import { createPortal } from "preact/compat";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Binding, contentOf, type BindContext, type Write } from "../bind";
import { judgeFor } from "../placeholders";
import { store, useStore } from "../store";
import { Completion } from "./Completion";

interface FieldsProps {
  template: string;
  /** Makes the controls, if they are not just those of the template. */
  content?: () => Node;
  /** Identifies the part: another one gets controls of its own. */
  identity: string;
  context: BindContext;
  /** JSON pointer of the part in the document. */
  base: string;
  /** Pointer of the part in its block, for an agent. */
  inside?: string;
  write: Write;
  /** The block whose texts these are; null: the design. */
  blockId: string | null;
  agentId?: string;
  connectionId?: string;
  slots?: Record<string, ComponentChildren>;
}

export function Fields(props: FieldsProps) {
  return <Bound key={`${props.template}|${props.identity}`} {...props} />;
}

function Bound({ template, content, context, base, inside = "", write, blockId, agentId, connectionId, slots = {} }: FieldsProps) {
  const host = useRef<HTMLDivElement>(null);
  const writer = useRef(write);
  writer.current = write;
  const [binding, setBinding] = useState<Binding | null>(null);
  const problems = useStore((state) => state.problems);
  const wanted = useStore((state) => state.inspector.field);
  const readOnly = useStore((state) => state.readOnly);

  useLayoutEffect(() => {
    if (!host.current) return;
    setBinding(new Binding(host.current, content?.() ?? contentOf(template), (...change) => writer.current(...change), () => store.closeGroup()));
  }, []);
  useLayoutEffect(() => {
    if (!binding) return;
    binding.fill(context);
    binding.showProblems(problems, base);
    const { document } = store.get();
    if (document) binding.drawTags(judgeFor(document, blockId), problems, base);
    for (const control of binding.host.querySelectorAll<HTMLInputElement>("input, textarea, select")) {
      if (control instanceof HTMLTextAreaElement || control.type === "text" || control.type === "number") control.readOnly = readOnly;
      else control.disabled = readOnly;
    }
  });
  useEffect(() => {
    if (!binding || !wanted?.startsWith(`${inside}/`)) return;
    if (binding.focus(wanted.slice(inside.length))) store.set({ inspector: { ...store.get().inspector, field: null } });
  }, [binding, wanted]);

  return (
    <div class="bound">
      <div ref={host} />
      {binding && <Completion binding={binding} blockId={blockId} agentId={agentId ?? null} connectionId={connectionId ?? null} />}
      {binding &&
        Object.entries(slots).map(([name, content]) => {
          const slot = binding.slot(name);
          return slot ? createPortal(<>{content}</>, slot) : null;
        })}
    </div>
  );
}
