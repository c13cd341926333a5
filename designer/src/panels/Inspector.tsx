// At the right: the selected block, connection or blocks; without a selection the design.

import { connectionsOf, blockOf, nameOf, agentName, agentsOf, type Block, type Connection, type DesignDocument } from "../document";
import { duplicateSelection } from "../clipboard";
import { ID, changeBlock, changeLink, remove, renameBlock, withValue } from "../edit";
import type { Option } from "../bind";
import { NOTHING, isPhone, paletteEntry, store, useStore } from "../store";
import { duration, money } from "../words";
import { Agents } from "./Agents";
import { Fields } from "./Fields";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { Several } from "./Several";
import { Pictogram, StateSign } from "./StateSign";

export function Inspector() {
  const isOpen = useStore((state) => state.inspector.isOpen);
  const selection = useStore((state) => state.selection);
  const document = useStore((state) => state.document);
  const isEmpty = !selection.blocks.length && !selection.connection;
  // On a phone it is a sheet over the canvas, for what is selected.
  if (!isOpen || !document || (isEmpty && isPhone())) return null;
  const block = selection.blocks.length === 1 ? blockOf(document, selection.blocks[0] ?? null) : undefined;
  const link = connectionsOf(document).find(({ id }) => id === selection.connection);
  return (
    <aside class="inspector" aria-label="Inspector" onKeyDown={backToCanvas}>
      <button class="button small quiet phone-only" type="button" onClick={() => store.select(NOTHING)}>Done</button>
      {block ? <BlockInspector block={block} document={document} />
        : link ? <LinkInspector link={link} document={document} />
        : selection.blocks.length > 1 ? <Several ids={selection.blocks} document={document} />
        : <DesignInspector document={document} />}
    </aside>
  );
}

/** Escape leads back to where one came from. */
function backToCanvas(event: KeyboardEvent): void {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const canvas = globalThis.document.querySelector<HTMLElement>(".designer .canvas [tabindex='0'], .designer .canvas");
  canvas?.focus();
}

const options = (names: string[], words: Record<string, string> = {}): Option[] =>
  names.map((value) => ({ value, label: words[value] ?? value }));

/** The routes of a block: those of its type, its specialists, else the names of its outgoing connections. */
function routesOf(document: DesignDocument, block: Block | undefined): string[] {
  const entry = block && paletteEntry(block.type);
  if (!block || !entry?.chooses_routes) return [];
  if (entry.routes?.length) return entry.routes;
  const agents = agentsOf(block);
  const router = agents.find((agent) => agent.role === "moderator" || agent.role === "manager") ?? agents[0];
  const specialists = agents.filter((agent) => agent !== router).map(({ id }) => id);
  if (specialists.length) return specialists;
  return [...new Set(connectionsOf(document).filter((link) => link.source === block.id).map((link) => link.route || link.target))];
}

// --- A block --------------------------------------------------------------------------------------

function BlockInspector({ block, document }: { block: Block; document: DesignDocument }) {
  const place = document.blocks.indexOf(block);
  const entry = paletteEntry(block.type);
  const write = (pointer: string, value: unknown, group: string | null) => {
    if (pointer === "/id") return renameId(block.id, String(value));
    store.change(`Change ${nameOf(block)}`, (now) => changeBlock(now, block.id, (row) => withValue(row, pointer, value)), group && `${block.id}${pointer}`);
  };
  return (
    <>
      <header class="inspector-head">
        <span class="tile"><Pictogram type={block.type} /></span>
        <div>
          <h2 class="cut">{nameOf(block)}</h2>
          <span class="small faint">{entry?.label ?? block.type} · <span class="mono">{block.id}</span></span>
          <PlayedLink block={block} />
        </div>
        <BlockMenu id={block.id} />
      </header>
      <div class="inspector-body">
        {!entry && <p class="note bad small">There is no pattern “{block.type}” here. Edit this block as JSON, or remove it.</p>}
        <Fields
          template={`inspector-${block.type}`}
          identity={block.id}
          context={{ part: block, options: (name) => (name === "routes" ? options(routesOf(document, block)) : []) }}
          base={`/blocks/${place}`}
          write={write}
          blockId={block.id}
          slots={{
            agents: <Agents block={block} place={place} />,
            "connections-in": <Links title="Connections in" document={document} links={connectionsOf(document).filter((link) => link.target === block.id)} end="source" />,
            "connections-out": <Links title="Connections out" document={document} links={connectionsOf(document).filter((link) => link.source === block.id)} end="target" />,
            "last-try": <LastTry id={block.id} />,
          }}
        />
      </div>
    </>
  );
}

/** Leads to the design that the block plays, beside this one. */
function PlayedLink({ block }: { block: Block }) {
  const { design_id: design, path } = (block.settings ?? {}) as Record<string, unknown>;
  const played = typeof path === "string" ? ["path", path] : typeof design === "string" ? ["design", design] : null;
  if (!played || !["subdesign", "map", "loop"].includes(block.type)) return null;
  return (
    <div class="small">
      <a href={`/designs/played/?${new URLSearchParams([played])}`} target="_blank" rel="noopener">Open its design in a new tab</a>
    </div>
  );
}

function renameId(from: string, to: string): void {
  const { document } = store.get();
  if (!document || from === to) return;
  if (!ID.test(to)) return store.tell("An id begins with a small letter and has only small letters, digits and _.", { isError: true });
  if (blockOf(document, to)) return store.tell(`Another block has the id ${to} already.`, { isError: true });
  store.change(`Rename ${from} to ${to}`, (now) => renameBlock(now, from, to));
  store.select({ blocks: [to] });
}

function BlockMenu({ id }: { id: string }) {
  if (useStore((state) => state.readOnly)) return null;
  return (
    <span class="end">
      <Menu label="Verbs of this block" icon="more">
        <button type="button" role="menuitem" onClick={duplicateSelection}>Duplicate</button>
        <button type="button" role="menuitem" class="danger" onClick={() => store.change("Remove a block", (now) => remove(now, [id]))}>Remove</button>
      </Menu>
    </span>
  );
}

function Links({ title, document, links, end }: { title: string; document: DesignDocument; links: Connection[]; end: "source" | "target" }) {
  if (!links.length) return null;
  return (
    <section class="section">
      <h3>{title} <span class="faint">{links.length}</span></h3>
      <ul class="link-list">
        {links.map((link) => {
          const other = blockOf(document, link[end]);
          return (
            <li key={link.id}>
              <button type="button" class="row small" onClick={() => store.select({ connection: link.id })}>
                <span class="strong cut">{other ? nameOf(other) : link[end]}</span>
                {link.route && <span class="chip line">{link.route}</span>}
                {link.when && <span class="chip line mono cut">{link.when}</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function LastTry({ id }: { id: string }) {
  const run = useStore((state) => state.run?.blocks[id] ?? null);
  if (!run || run.status === "pending") return null;
  return (
    <section class="section">
      <h3>
        Last try <StateSign state={run.status} />
        <span class="end faint num">{[duration(run.milliseconds), run.tokens === null ? "" : money(run.cost)].filter(Boolean).join(" · ")}</span>
      </h3>
      {run.isEdited && <p class="small faint">Edited since.</p>}
      {run.error && <p class="small error">{run.error}</p>}
    </section>
  );
}

// --- A connection, the design ---------------------------------------------------------------------

function LinkInspector({ link, document }: { link: Connection; document: DesignDocument }) {
  const [source, target] = [blockOf(document, link.source), blockOf(document, link.target)];
  const write = (pointer: string, value: unknown, group: string | null) =>
    store.change("Change a connection", (now) => changeLink(now, link.id, (row) => withValue(row, pointer, value)), group && `${link.id}${pointer}`);
  const offered = (name: string, pointer: string): Option[] => {
    if (name === "blocks") return document.blocks.map((block) => ({ value: block.id, label: nameOf(block) }));
    if (name === "routes") return options(routesOf(document, source));
    const block = pointer === "/source_agent" ? source : target;
    return name === "agents" && block ? agentsOf(block).map((agent) => ({ value: agent.id, label: agentName(agent) })) : [];
  };
  return (
    <>
      <header class="inspector-head">
        <div>
          <h2 class="cut">{source ? nameOf(source) : link.source} → {target ? nameOf(target) : link.target}</h2>
          <span class="small faint">Connection · <span class="mono">{link.id}</span></span>
        </div>
        {!store.get().readOnly && (
          <button class="button bare square end" type="button" aria-label="Remove this connection" onClick={() => store.change("Remove a connection", (now) => remove(now, [], [link.id]))}>
            <Icon name="trash" small />
          </button>
        )}
      </header>
      <div class="inspector-body">
        <Fields template="inspector-connection" identity={link.id} context={{ part: link, options: offered }} base={`/connections/${connectionsOf(document).indexOf(link)}`} write={write} blockId={link.source} connectionId={link.id} />
      </div>
    </>
  );
}

function DesignInspector({ document }: { document: DesignDocument }) {
  const write = (pointer: string, value: unknown, group: string | null) =>
    store.change("Change the design", (now) => withValue(now, pointer, value), group && `design${pointer}`);
  return (
    <>
      <header class="inspector-head"><div><h2>The design</h2><span class="small faint">Select a block or a connection to edit it.</span></div></header>
      <div class="inspector-body">
        <Fields template="inspector-design" identity="design" context={{ part: document, options: (name) => (name === "models" ? options(store.get().data.models) : []) }} base="" write={write} blockId={null} />
      </div>
    </>
  );
}
