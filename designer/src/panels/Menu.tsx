// A button that opens a short list of verbs; arrows walk it, Escape closes it.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

interface MenuProps {
  label: string;
  icon: IconName;
  isPrimary?: boolean;
  children: ComponentChildren;
}

export function Menu({ label, icon, isPrimary = false, children }: MenuProps) {
  const [isOpen, open] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const items = () => [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  useEffect(() => {
    if (!isOpen) return;
    items()[0]?.focus();
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) open(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen]);
  const walk = (event: KeyboardEvent) => {
    if (event.key === "Escape" || event.key === "Tab") {
      open(false);
      if (event.key === "Escape") button.current?.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const list = items();
    const place = list.indexOf(document.activeElement as HTMLElement);
    list[(place + step + list.length) % list.length]?.focus();
  };
  return (
    <span class="menu-root" ref={root} onKeyDown={isOpen ? walk : undefined}>
      <button
        ref={button}
        class={isPrimary ? "button primary square" : "button bare square"}
        type="button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => open(!isOpen)}
      >
        <Icon name={icon} small={isPrimary} />
      </button>
      {isOpen && (
        <div class="menu-list" role="menu" aria-label={label} onClick={() => open(false)}>
          {children}
        </div>
      )}
    </span>
  );
}
