// Runs before the page is painted, so that a chosen theme does not flash.
"use strict";

(function () {
  const chosen = localStorage.getItem("orchestra-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
