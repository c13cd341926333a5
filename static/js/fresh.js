// Parts of a page that refresh themselves: when, how they are put in, and what is said when it fails.
"use strict";

(function () {
  const EVERY_MS = 5000;
  const SKELETON_MS = 300;
  const OPEN = "dialog[open], details.menu[open]";
  // What a part was when it was last fetched.
  const seen = new WeakMap();
  let isPressed = false;

  function isFresh(event) {
    return event.detail.requestConfig?.triggeringEvent?.type === "fresh";
  }

  function isSelectedIn(part) {
    const selection = getSelection();
    return !selection.isCollapsed && part.contains(selection.anchorNode);
  }

  function refresh() {
    if (document.visibilityState !== "visible" || isPressed) return;
    htmx.trigger(document.body, "fresh");
  }

  // --- Morphing keeps what the reader has done: focus, scroll, what is open, what is typed.

  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = function (name, node) {
    return !(name === "aria-expanded" || (name === "open" && node.matches("details, dialog")));
  };
  function isBegun(form) {
    return Array.from(form.elements).some(function (field) {
      return field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked :
        field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
    });
  }

  // A form that somebody has begun to fill in stays as it is.
  // Times are written in the reader's zone and count on by themselves.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = function (old, made) {
    if (old.matches?.("form[data-kept]") && isBegun(old)) return false;
    const isTyped = old.matches?.("input:not([type=checkbox], [type=radio], [type=hidden]), textarea") &&
      old.value !== old.defaultValue;
    const isSwitching = old.matches?.("[data-switch^=from]");
    return !isTyped && !isSwitching && !(old.localName === "time" && made.localName === "time" && old.dateTime === made.dateTime);
  };

  // --- Failures: what was there stays, one sentence stands above it.

  function sayFailed(part, sentence, retry) {
    part.querySelector("[data-failed]")?.remove();
    const note = document.createElement("p");
    const button = document.createElement("button");
    note.className = "note warn";
    note.dataset.failed = "";
    note.append(sentence);
    button.className = "button quiet small end";
    button.type = "button";
    button.textContent = "Try again";
    button.addEventListener("click", retry);
    note.append(button);
    part.prepend(note);
  }

  document.addEventListener("htmx:configRequest", function (event) {
    const part = event.detail.elt;
    if (part.matches("[data-fresh]") && seen.has(part)) event.detail.headers["X-Seen"] = seen.get(part);
  });

  document.addEventListener("htmx:beforeRequest", function (event) {
    const part = event.detail.elt;
    if (!isFresh(event)) return;
    if (part.querySelector(OPEN) || part.closest("dialog[open]") || isSelectedIn(part)) event.preventDefault();
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const part = event.detail.elt;
    if (!part.matches("[data-fresh]") || !isFresh(event)) return;
    const answer = event.detail.xhr;
    if (answer.status === 204) part.querySelector("[data-failed]")?.remove();
    else if (answer.status === 200) seen.set(part, answer.getResponseHeader("X-Seen") || "");
    // The page itself says what is wrong.
    else if (answer.status === 403 || answer.status === 404) location.reload();
    else sayFailed(part, "This part could not be refreshed and may be out of date.", refresh);
  });

  // --- What a person waits for: after a while a skeleton of what is there, or what went wrong.

  const waits = new WeakMap();

  function again(element, event) {
    return function () {
      if (element.matches("form")) element.requestSubmit();
      else htmx.trigger(element, event?.type || "click");
    };
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    const target = event.detail.target;
    if (isFresh(event) || event.defaultPrevented || !target.id) return;
    const wait = setTimeout(function () { target.setAttribute("aria-busy", "true"); }, SKELETON_MS);
    waits.set(event.detail.xhr, wait);
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const { xhr, target, elt, requestConfig } = event.detail;
    if (isFresh(event)) return;
    clearTimeout(waits.get(xhr));
    target.removeAttribute("aria-busy");
    const isAborted = xhr.status === 0 && document.visibilityState !== "visible";
    if (isAborted || (xhr.status >= 200 && xhr.status < 400) || xhr.status === 422) return;
    sayFailed(target, "This could not be loaded.", again(elt, requestConfig.triggeringEvent));
  });

  // What another answer put into a part is not what it was fetched as.
  document.addEventListener("htmx:afterSwap", function (event) {
    const part = event.detail.target.closest?.("[data-fresh]");
    if (part && !isFresh(event)) seen.delete(part);
  });

  for (const [name, pressed] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    addEventListener(name, function () { isPressed = pressed; }, true);
  }
  // The end of a press outside of the window is not told.
  addEventListener("blur", function () { isPressed = false; });

  document.addEventListener("DOMContentLoaded", function () {
    if (document.querySelector("[data-fresh-now]")) refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  setInterval(refresh, EVERY_MS);
})();
