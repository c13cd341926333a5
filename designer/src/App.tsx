// The regions of the designer: bar, palette, canvas, dock, inspector.

import { Bar } from "./panels/Bar";
import { Dialogs } from "./panels/Dialogs";
import { Dock } from "./panels/Dock";
import { Inspector } from "./panels/Inspector";
import { Messages } from "./panels/Messages";
import { Palette } from "./panels/Palette";
import { Canvas } from "./canvas/Canvas";
import { useStore } from "./store";

export function App() {
  const isDrawn = useStore((state) => state.document !== null);
  return (
    <div class="designer">
      <Bar />
      <div class="work">
        {isDrawn && <Palette />}
        <div class="stage">
          {isDrawn ? <Canvas /> : <NotDrawn />}
          <Dock />
        </div>
        {isDrawn && <Inspector />}
      </div>
      <Dialogs />
      <Messages />
      <p id="announcements" class="visually-hidden" aria-live="polite" />
    </div>
  );
}

function NotDrawn() {
  const reason = useStore((state) => state.notDrawn);
  return (
    <div class="not-drawn">
      <p class="strong">This draft cannot be drawn.</p>
      <p class="soft">{reason} Correct it below as JSON.</p>
    </div>
  );
}
