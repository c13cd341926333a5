// The command palette, and keys that every page knows.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const options = () => [...document.querySelectorAll("#palette-hits [role=option]")];
  const chosen = () => document.querySelector('#palette-hits [aria-selected="true"]');

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    const text = byId("palette-text");
    if (!option) {
      text.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", option.id);
  }

  function step(by) {
    const all = options();
    const at = all.indexOf(chosen());
    choose(all[(at + by + all.length) % all.length]);
  }

  function open() {
    const palette = byId("palette");
    if (!palette || palette.open || document.querySelector("dialog:modal")) return false;
    byId("palette-text").value = "";
    palette.showModal();
    byId("palette-text").focus();
    htmx.trigger("#palette-text", "ask");
    return true;
  }

  function steer(event) {
    const keys = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in keys) step(keys[event.key]);
    else if (event.key === "Enter") chosen()?.click();
    else return;
    event.preventDefault();
  }

  function isTyping(element) {
    return element.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  }

  document.addEventListener("keydown", function (event) {
    if (event.target.id === "palette-text") steer(event);
    if (event.defaultPrevented) return;
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      if (open() || byId("palette")?.open) event.preventDefault();
    }
    // The designer has keys of its own, and a list of them.
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || byId("designer")) return;
    if (document.querySelector("dialog:modal")) return;
    const find = document.querySelector("#main input[type=search]");
    if (event.key === "/" && (find || byId("palette"))) {
      event.preventDefault();
      if (find) find.select();
      else open();
    } else if (event.key === "?") {
      byId("keyboard")?.showModal();
    }
  });

  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("[data-palette]") && open()) event.preventDefault();
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.detail.target.id === "palette-hits") choose(options()[0]);
  });
})();
