// Runs before the page is painted, so that what a person chose does not flash.
"use strict";

(function () {
  const root = document.documentElement;

  function kept(name) {
    try {
      return localStorage.getItem("orchestra-" + name);
    } catch {
      // A browser that keeps nothing shows what nobody has chosen.
      return null;
    }
  }

  // The admin's own script keeps its choice as JSON, under a name of its own: one choice for both.
  function keptTheme() {
    try {
      return JSON.parse(localStorage.getItem("adminTheme"));
    } catch {
      return null;
    }
  }

  root.dataset.script = "";
  const theme = keptTheme();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  if (kept("density") === "compact") root.dataset.density = "compact";
  // Pages that begin with a folded side bar keep a choice of their own.
  const nav = root.dataset.nav;
  root.dataset.navAtFirst = nav || "";
  const chosen = nav && kept("nav-" + nav);
  if (chosen === "wide" || chosen === "narrow") root.dataset.nav = chosen;
})();
