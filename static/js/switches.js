// Switches that are in force at once: shown at once, and taken back with a sentence if that fails. And `/` for the search.
"use strict";

(function () {
  function show(button, isOn) {
    button.setAttribute("aria-checked", String(isOn));
    // What a press asks for next: the first turns it on.
    const [on, off] = button.dataset.values.split(" ");
    button.value = isOn ? off : on;
  }

  function say(text) {
    const region = document.querySelector(".messages");
    if (!region) return;
    const note = document.createElement("p");
    const words = document.createElement("span");
    note.className = "note bad";
    words.textContent = text;
    note.append(words);
    region.append(note);
    setTimeout(function () { note.remove(); }, 12000);
  }

  const switchOf = (event) => event.detail.elt?.querySelector?.(":scope > [data-switch]");

  document.addEventListener("htmx:beforeRequest", function (event) {
    const button = switchOf(event);
    if (!button) return;
    const isOn = button.getAttribute("aria-checked") === "true";
    // Until the answer it stays as it is shown: a list that refreshes may still tell the old state.
    button.dataset.switch = isOn ? "from-on" : "from-off";
    show(button, !isOn);
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const button = switchOf(event);
    if (!button) return;
    const wasOn = button.dataset.switch === "from-on";
    button.dataset.switch = "";
    if (event.detail.successful) return;
    show(button, wasOn);
    const answer = event.detail.xhr;
    const why = answer?.status === 403 ? "You may not change it." : answer?.status === 409 ? answer.responseText : "Try again.";
    say("It could not be switched, so it is as it was. " + why);
  });

  document.addEventListener("keydown", function (event) {
    const field = document.querySelector("[data-find]");
    const isTyping = event.target.closest("input, textarea, select, [contenteditable], dialog");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
