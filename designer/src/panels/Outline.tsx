// The graph as a list in run order: to read it, and to reach every part without the canvas.

import { agentName, agentsOf, blockOf, connectionsOf, nameOf, runOrder } from "../document";
import { problemsAt } from "../problems";
import { isPhone, paletteEntry, store, useStore } from "../store";
import { Pictogram } from "./StateSign";

export function Outline() {
  const document = useStore((state) => state.document);
  const selection = useStore((state) => state.selection);
  const problems = useStore((state) => state.problems);
  if (!document) return null;
  if (!document.blocks.length) return <p class="palette-hint small soft">No blocks yet. Choose one under <b>Blocks</b>.</p>;
  return (
    <ol class="outline">
      {runOrder(document).map((id) => {
        const block = blockOf(document, id);
        if (!block) return null;
        const count = problemsAt(problems, `/blocks/${document.blocks.indexOf(block)}`).length;
        const links = connectionsOf(document).filter((link) => link.source === id);
        return (
          <li key={id}>
            <button type="button" class="outline-block" aria-current={selection.blocks.includes(id) || undefined} onClick={() => choose({ blocks: [id] })}>
              <Pictogram type={block.type} />
              <span class="cut">{nameOf(block)}</span>
              <span class="visually-hidden">, {paletteEntry(block.type)?.label ?? block.type}</span>
              {count > 0 && <span class="badge bad end">{count}<span class="visually-hidden"> problems</span></span>}
            </button>
            <ul>
              {agentsOf(block).map((agent) => (
                <li key={agent.id}>
                  <button type="button" aria-current={selection.agent?.block === id && selection.agent.agent === agent.id ? true : undefined} onClick={() => choose({ blocks: [id], agent: { block: id, agent: agent.id } })}>{agentName(agent)}</button>
                </li>
              ))}
              {links.map((link) => {
                const target = blockOf(document, link.target);
                return (
                  <li key={link.id}>
                    <button type="button" class="faint" aria-current={selection.connection === link.id || undefined} onClick={() => choose({ connection: link.id })}>
                      → {target ? nameOf(target) : link.target}
                      {link.route ? `, route ${link.route}` : ""}{link.when ? ", if …" : ""}
                    </button>
                  </li>
                );
              })}
            </ul>
          </li>
        );
      })}
    </ol>
  );
}

function choose(selection: Parameters<typeof store.select>[0]): void {
  store.select(selection);
  // The sheets would lie over one another.
  if (isPhone()) store.set({ palette: { isOpen: false, tab: "outline" } });
  store.set({ inspector: { ...store.get().inspector, isOpen: true } });
}
