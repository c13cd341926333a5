// Signs of verbs and of states, in the stroke of the other pages.

const PATHS = {
  back: "m14 7-5 5 5 5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  play: "M8 5.5v13l10.5-6.5z",
  stop: "M7 7h10v10H7z",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  down: "m7 10 5 5 5-5",
  up: "m7 14 5-5 5 5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "m6 6 12 12M18 6 6 18",
  undo: "M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "m16 5 4 4-4 4M20 9H10a6 6 0 0 0 0 12h3",
  fit: "M4 9V5a1 1 0 0 1 1-1h4M15 4h4a1 1 0 0 1 1 1v4M20 15v4a1 1 0 0 1-1 1h-4M9 20H5a1 1 0 0 1-1-1v-4",
  tidy: "M3.5 9h5v6h-5zM15.5 4h5v6h-5zM15.5 14h5v6h-5zM8.5 12h3.5m0 0V7h3.5M12 12v5h3.5",
  keyboard: "M4.5 6h15a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-15a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zM6 10h.1M10 10h.1M14 10h.1M18 10h.1M8 14.5h8",
  search: "M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM16 16l4 4",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7",
  copy: "M10 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM5.5 15H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v.5",
  map: "M4 5h16v14H4zM13 13h5v4h-5z",
  warn: "M12 4 3 19.5h18zM12 10v4.5M12 17h.01",
  bolt: "M13 3 5 13.5h6L10.5 21 19 10.5h-6z",
  grip: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  cloud: "M7 18.5a4 4 0 0 1-.5-8A5.5 5.5 0 0 1 17 9.5a4.5 4.5 0 0 1 0 9zM4 4l16 16",
  panel: "M4 5h16v14H4zM15 5v14",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: what it means stands beside it or in the button's label. */
export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  return (
    <svg class={small ? "icon small" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
