// Draws the placeholders of a text field as tags: boxes behind the field, whose own text, caret, undo and
// input methods stay the browser's.

import type { Piece } from "./placeholders";

/** What places a letter in a field; the boxes must lie under the same letters. */
const ALIKE = [
  "font-family", "font-size", "font-weight", "font-variation-settings", "font-feature-settings", "letter-spacing",
  "line-height", "tab-size", "text-indent", "padding-top", "padding-right", "padding-bottom", "padding-left",
  "border-top-width", "border-left-width",
];

export class Tags {
  private readonly back = document.createElement("div");
  private drawn = "";

  constructor(private readonly field: HTMLTextAreaElement) {
    const frame = document.createElement("div");
    frame.className = "tagged";
    this.back.className = "tags";
    this.back.setAttribute("aria-hidden", "true");
    field.replaceWith(frame);
    frame.append(this.back, field);
    field.addEventListener("scroll", () => this.follow(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(field);
  }

  draw(pieces: Piece[]): void {
    const drawn = JSON.stringify(pieces);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const nodes = pieces.map(({ text, kind }) => {
      if (kind === "text") return document.createTextNode(text);
      const mark = document.createElement("mark");
      mark.className = kind;
      mark.textContent = text;
      return mark;
    });
    // A last line without letters has a height only with something in it.
    this.back.replaceChildren(...nodes, "\u200b");
    this.measure();
  }

  private measure(): void {
    const style = getComputedStyle(this.field);
    for (const name of ALIKE) this.back.style.setProperty(name, style.getPropertyValue(name));
    // Without the field's scroll bar, which takes room from its lines.
    const { borderLeftWidth, borderRightWidth } = style;
    this.back.style.width = `${this.field.clientWidth + Number.parseFloat(borderLeftWidth) + Number.parseFloat(borderRightWidth)}px`;
    this.follow();
  }

  private follow(): void {
    this.back.scrollTop = this.field.scrollTop;
  }
}
