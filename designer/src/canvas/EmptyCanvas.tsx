// What the canvas says before there is a block.

import { store, useStore } from "../store";
import { picking } from "./view";

export function EmptyCanvas() {
  const isEmpty = useStore((state) => state.document?.blocks.length === 0);
  const readOnly = useStore((state) => state.readOnly);
  if (!isEmpty) return null;
  if (readOnly) return <div class="canvas-empty"><p class="soft">This design has no blocks yet.</p></div>;
  const { samples } = store.get().data.urls;
  return (
    <div class="canvas-empty">
      <p class="strong">Start with a block</p>
      <p class="soft small">Drag one from the left, or press <kbd>/</kbd> and type what it should do.</p>
      <div class="row">
        <button class="button primary" type="button" onClick={() => picking.set({ kind: "add", behind: null })}>Add a block</button>
        {samples && <a class="button" href={samples}>Look at samples</a>}
      </div>
    </div>
  );
}
