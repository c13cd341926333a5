// The agents of a block: added, ordered, duplicated, removed; the open one with its fields.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { agentName, agentsOf, connectionsOf, type Agent, type Block } from "../document";
import { ID, addAgent, changeAgent, moveAgent, removeAgent, renameAgent, withValue } from "../edit";
import { announce, paletteEntry, store, useStore } from "../store";
import { Fields } from "./Fields";
import { Icon } from "./Icon";

export function Agents({ block, place }: { block: Block; place: number }) {
  const agents = agentsOf(block);
  const entry = paletteEntry(block.type);
  const readOnly = useStore((state) => state.readOnly);
  const selected = useStore((state) => (state.selection.agent?.block === block.id ? state.selection.agent.agent : null));
  const [closed, setClosed] = useState<Set<string>>(new Set());
  const add = () => {
    let id = "";
    store.change("Add an agent", (now) => {
      const added = addAgent(now, block.id, { id: "agent", name: `Agent ${agents.length + 1}`, ...(entry ? { role: entry.default_role } : {}) });
      id = added.id;
      return added.document;
    });
    store.select({ blocks: [block.id], agent: { block: block.id, agent: id } });
    store.set({ inspector: { ...store.get().inspector, field: `/agents/${agents.length}/name` } });
  };
  const toggle = (id: string) => {
    const after = new Set(closed);
    if (!after.delete(id)) after.add(id);
    setClosed(after);
  };
  // With many agents only the chosen one is open.
  const isOpen = (id: string) => (agents.length > 3 ? id === selected || closed.has(id) : !closed.has(id));
  // A card in which a field is asked for, as by F8, opens.
  const wanted = useStore((state) => /^\/agents\/(\d+)\//.exec(state.inspector.field ?? "")?.[1] ?? null);
  useEffect(() => {
    const id = wanted === null ? undefined : agents[Number(wanted)]?.id;
    if (id !== undefined && !isOpen(id)) toggle(id);
  }, [wanted]);
  return (
    <div class="agents">
      {agents.map((agent, index) => (
        <AgentCard key={agent.id} block={block} agent={agent} index={index} base={`/blocks/${place}/agents/${index}`} isOpen={isOpen(agent.id)} toggle={() => toggle(agent.id)} />
      ))}
      {!readOnly && entry && agents.length < entry.max_agents && (
        <button class="button small" type="button" onClick={add}><Icon name="plus" small />Add an agent</button>
      )}
    </div>
  );
}

interface CardProps {
  block: Block;
  agent: Agent;
  index: number;
  base: string;
  isOpen: boolean;
  toggle: () => void;
}

function AgentCard({ block, agent, index, base, isOpen, toggle }: CardProps) {
  const entry = paletteEntry(block.type);
  const readOnly = useStore((state) => state.readOnly);
  const problems = useStore((state) => state.problems.filter(({ path }) => path.startsWith(`${base}/`)).length);
  const card = useRef<HTMLElement>(null);
  const move = (to: number, id = agent.id) => {
    const moved = agentsOf(block).find((row) => row.id === id) ?? agent;
    if (to < 0 || to >= agentsOf(block).length) return;
    const focused = document.activeElement;
    store.change("Order the agents", (now) => moveAgent(now, block.id, id, to));
    // A card that is moved in the page loses the focus, and the first and last have one verb less.
    requestAnimationFrame(() => {
      if (!card.current || document.activeElement === focused) return;
      (focused?.isConnected ? (focused as HTMLElement) : card.current.querySelector<HTMLElement>(".agent-toggle"))?.focus();
    });
    announce(`${agentName(moved)} is number ${to + 1}.`);
  };
  const write = (pointer: string, value: unknown, group: string | null) => {
    if (pointer === "/id") return renameId(block, agent.id, String(value));
    store.change(`Change ${agentName(agent)}`, (now) => changeAgent(now, block.id, agent.id, (row) => withValue(row, pointer, value)), group && `${block.id}/${agent.id}${pointer}`);
  };
  const offered = (name: string) => {
    if (name === "roles") return (entry?.roles ?? []).map((value) => ({ value, label: entry?.role_words?.[value] ?? value }));
    return name === "models" ? store.get().data.models.map((value) => ({ value, label: value })) : [];
  };
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !step || readOnly) return;
    event.preventDefault();
    move(index + step);
  };
  const { grip, drop } = useOrdering(card, block, agent, index, move);
  return (
    <section class="agent-card" aria-label={`Agent ${agentName(agent)}`} onKeyDown={keys} ref={card} {...(readOnly ? {} : drop)}>
      <header class="row">
        {!readOnly && agentsOf(block).length > 1 && <span class="agent-grip" title="Drag to order" {...grip}><Icon name="grip" small /></span>}
        <button class="agent-toggle row" type="button" aria-expanded={isOpen} onClick={toggle}>
          <span class="face" aria-hidden="true">{initials(agentName(agent))}</span>
          <span class="cut">{agentName(agent)}</span>
          {problems > 0 && <span class="badge bad">{problems}</span>}
          <span class="chip line end">{agent.role ?? "worker"}</span>
        </button>
        {!readOnly && <Verbs block={block} agent={agent} index={index} move={move} />}
      </header>
      {isOpen && <Fields template="inspector-agent" identity={`${block.id}/${agent.id}`} context={{ part: agent, options: offered }} base={base} inside={`/agents/${index}`} write={write} blockId={block.id} agentId={agent.id} />}
    </section>
  );
}

/** What is being dragged; a browser tells it only when it is dropped. */
let dragged: { block: string; agent: string } | null = null;
const AGENT_TYPE = "application/x-orchestra-agent";

/** Cards are dragged by their grip, and dropped before or after another of the same block. */
function useOrdering(card: RefObject<HTMLElement>, block: Block, agent: Agent, index: number, move: (to: number, id?: string) => void) {
  const from = () => (dragged?.block === block.id ? agentsOf(block).findIndex(({ id }) => id === dragged?.agent) : -1);
  const show = (side: "before" | "after" | null) => {
    card.current?.classList.toggle("drop-before", side === "before");
    card.current?.classList.toggle("drop-after", side === "after");
  };
  const isAfter = (event: DragEvent) => {
    const box = card.current?.getBoundingClientRect();
    return box !== undefined && event.clientY > box.top + box.height / 2;
  };
  const grip = {
    draggable: true,
    onDragStart: (event: DragEvent) => {
      dragged = { block: block.id, agent: agent.id };
      event.dataTransfer?.setData(AGENT_TYPE, agent.id);
      if (card.current) event.dataTransfer?.setDragImage(card.current, 12, 12);
    },
    onDragEnd: () => {
      dragged = null;
    },
  };
  const drop = {
    onDragOver: (event: DragEvent) => {
      if (from() < 0 || from() === index) return;
      event.preventDefault();
      show(isAfter(event) ? "after" : "before");
    },
    onDragLeave: () => show(null),
    onDrop: (event: DragEvent) => {
      show(null);
      const place = from();
      if (place < 0 || place === index || !dragged) return;
      event.preventDefault();
      event.stopPropagation();
      // Without itself, all behind it move up by one.
      const to = index + (isAfter(event) ? 1 : 0) - (place < index ? 1 : 0);
      move(to, dragged.agent);
    },
  };
  return { grip, drop };
}

function Verbs({ block, agent, index, move }: { block: Block; agent: Agent; index: number; move: (to: number) => void }) {
  const count = agentsOf(block).length;
  const duplicate = () => {
    const { id, name, ...rest } = agent;
    store.change("Duplicate an agent", (now) => addAgent(now, block.id, { ...rest, id, name: name ? `${name} copy` : "" }).document);
  };
  const links = () => connectionsOf(store.get().document ?? { blocks: [] }).filter((link) => (link.source === block.id && link.source_agent === agent.id) || (link.target === block.id && link.target_agent === agent.id)).length;
  const remove = () => {
    const gone = links();
    store.change(`Remove ${agentName(agent)}`, (now) => removeAgent(now, block.id, agent.id));
    announce(`Removed ${agentName(agent)}${gone ? ` with ${gone} connections` : ""}.`);
  };
  return (
    <span class="agent-verbs">
      {index > 0 && <button class="button bare square small" type="button" aria-label={`Move ${agentName(agent)} up (Alt ↑)`} onClick={() => move(index - 1)}><Icon name="up" small /></button>}
      {index < count - 1 && <button class="button bare square small" type="button" aria-label={`Move ${agentName(agent)} down (Alt ↓)`} onClick={() => move(index + 1)}><Icon name="down" small /></button>}
      <button class="button bare square small" type="button" aria-label={`Duplicate ${agentName(agent)}`} onClick={duplicate}><Icon name="copy" small /></button>
      <button class="button bare square small" type="button" aria-label={`Remove ${agentName(agent)}`} onClick={remove}><Icon name="trash" small /></button>
    </span>
  );
}

function renameId(block: Block, from: string, to: string): void {
  if (from === to) return;
  if (!ID.test(to)) return store.tell("An id begins with a small letter and has only small letters, digits and _.", { isError: true });
  if (agentsOf(block).some(({ id }) => id === to)) return store.tell(`Another agent of this block has the id ${to} already.`, { isError: true });
  store.change(`Rename ${from} to ${to}`, (now) => renameAgent(now, block.id, from, to));
}

const initials = (name: string): string =>
  name.split(/[\s_-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]?.toUpperCase() ?? "").join("");
