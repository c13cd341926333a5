// What the pages' own script does: times in the reader's zone, copy buttons, fields that belong together.
"use strict";

(function () {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const weekday = new Intl.DateTimeFormat("en", { weekday: "short" });

  function inWords(seconds) {
    for (const [unit, size] of units) {
      if (Math.abs(seconds) >= size || unit === "second") {
        return relative.format(Math.trunc(seconds / size), unit);
      }
    }
    return "";
  }

  function showTimes(root) {
    for (const time of root.querySelectorAll("time[data-relative]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = exact.format(at);
      time.textContent = inWords((at.getTime() - Date.now()) / 1000);
    }
    for (const time of root.querySelectorAll("time[data-exact]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.textContent = exact.format(at);
    }
  }

  // Within an hour to the second, so that it is seen to go down.
  function countDown(root) {
    for (const time of root.querySelectorAll("time[data-countdown]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const left = Math.ceil((at.getTime() - Date.now()) / 1000);
      const clock = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
      const text = left <= 0 ? "now" : left < 3600 ? "in " + clock : inWords(left);
      if (time.textContent !== text) time.textContent = text;
      time.title = exact.format(at);
    }
  }

  function tell(time, text) {
    if (time.textContent !== text) time.textContent = text;
  }

  // How long something has been going on, and a time of day with its day where that is another one.
  function showElapsed(root) {
    for (const time of root.querySelectorAll("time[data-elapsed]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - new Date(time.dateTime).getTime()) / 1000));
      const minutes = Math.floor(seconds / 60);
      if (Number.isNaN(seconds)) continue;
      tell(time, minutes < 1 ? seconds + " s" : minutes < 60 ? minutes + " min " + (seconds % 60) + " s"
        : Math.floor(minutes / 60) + " h " + (minutes % 60) + " min");
    }
    const today = new Date().toDateString();
    for (const time of root.querySelectorAll("time[data-clock]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const day = at.toDateString() === today ? "" : weekday.format(at) + " ";
      tell(time, day + clock.format(at));
      time.title = exact.format(at);
    }
  }

  // What a button says until it has copied, and the timer after which it says that again.
  const saidBefore = new WeakMap();

  function copyFrom(button) {
    const source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) return;
    navigator.clipboard.writeText(source.textContent.trim()).then(function () {
      const said = button.querySelector("[data-said]");
      if (!said) return;
      const { words = said.textContent, timer } = saidBefore.get(button) || {};
      clearTimeout(timer);
      said.textContent = "Copied";
      button.classList.add("done");
      const again = setTimeout(function () {
        said.textContent = words;
        button.classList.remove("done");
        saidBefore.delete(button);
      }, 1500);
      saidBefore.set(button, { words, timer: again });
    });
  }

  // Which fields of a form belong to the chosen kind: [data-when="name=value"].
  function showFitting(root) {
    for (const part of root.querySelectorAll("[data-when]")) {
      const [name, values] = part.dataset.when.split("=");
      const form = part.closest("form");
      const field = form && form.elements.namedItem(name);
      if (field) part.hidden = !values.split(",").includes(field.value);
    }
  }

  document.addEventListener("click", function (event) {
    const copy = event.target.closest("[data-copy]");
    if (copy) copyFrom(copy);
  });

  // What a person did keeps the session awake; what refreshes itself does not.
  document.addEventListener("htmx:configRequest", function (event) {
    const cause = event.detail.triggeringEvent;
    if (cause && cause.isTrusted) event.detail.headers["X-By-Hand"] = "1";
  });

  document.addEventListener("change", function (event) {
    if (event.target.form) showFitting(event.target.form);
  });

  // A part that came anew is shown or not from the start: if that were seen to with the next
  // change, what is below would move away under a click.
  document.addEventListener("htmx:oobAfterSwap", function (event) {
    const form = event.target.closest("form");
    if (form) showFitting(form);
  });

  document.addEventListener("DOMContentLoaded", function () {
    // A browser that forbids the clipboard gets no button that does nothing.
    if (!navigator.clipboard) {
      for (const button of document.querySelectorAll("[data-copy]")) button.hidden = true;
    }
    showTimes(document);
    countDown(document);
    showElapsed(document);
    showFitting(document);
    setInterval(function () { showTimes(document); }, 10000);
    setInterval(function () { countDown(document); showElapsed(document); }, 1000);
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    showTimes(event.detail.elt);
    countDown(event.detail.elt);
    showElapsed(event.detail.elt);
    showFitting(event.detail.elt);
  });
})();
