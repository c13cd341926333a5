// What the frame of the pages does: its side bar, menus, choices of a person, messages.
"use strict";

(function () {
  const root = document.documentElement;
  const MESSAGE_MS = 6000;

  function keep(name, value) {
    try {
      // theme.js says why.
      if (name === "theme") localStorage.setItem("adminTheme", JSON.stringify(value === "system" ? "auto" : value));
      else localStorage.setItem("orchestra-" + name, value);
    } catch {
      // It holds for this page.
    }
  }

  // --- Side bar: folded on a wide screen, opened above the page on a phone.

  function showFolded(button) {
    const isWide = root.dataset.nav !== "narrow";
    button.setAttribute("aria-expanded", String(isWide));
    const label = button.querySelector(".label");
    if (label) label.textContent = isWide ? "Fold the menu" : "Unfold the menu";
  }

  function fold(button) {
    root.dataset.nav = root.dataset.nav === "narrow" ? "wide" : "narrow";
    keep("nav-" + root.dataset.navAtFirst, root.dataset.nav);
    showFolded(button);
  }

  function openMenu(isOpen) {
    const button = document.querySelector("[data-menu-button]");
    if (!button) return;
    root.dataset.menu = isOpen ? "open" : "closed";
    button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) document.querySelector(".side .places a")?.focus();
    else button.focus();
  }

  // --- Theme and density.

  function showChoices() {
    const chosen = { theme: root.dataset.theme || "system", density: root.dataset.density || "comfortable" };
    for (const input of document.querySelectorAll("[data-choice]")) {
      input.checked = chosen[input.dataset.choice] === input.value;
    }
  }

  function choose(name, value) {
    if (value === "system" || value === "comfortable") delete root.dataset[name];
    else root.dataset[name] = value;
    keep(name, value);
  }

  // --- Menus that open above the page: <details class="menu">.

  function closeMenus(but) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!but || !menu.contains(but)) menu.open = false;
    }
  }

  function closeOnEscape(event) {
    const menu = event.target.closest?.("details.menu[open]") || document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (root.dataset.menu === "open") {
      openMenu(false);
    }
  }

  // --- Messages go after a while, unless they tell of an error or somebody reads them.

  function endLater(message) {
    if (message.classList.contains("bad")) return;
    setTimeout(function () {
      if (message.matches(":hover, :focus-within")) endLater(message);
      else message.remove();
    }, MESSAGE_MS);
  }

  document.addEventListener("click", function (event) {
    closeMenus(event.target);
    const button = event.target.closest("button");
    if (event.target.closest("details.menu a, details.menu button")) closeMenus();
    if (root.dataset.menu === "open" && !event.target.closest(".side, [data-menu-button]")) openMenu(false);
    if (!button) return;
    if (button.matches("[data-fold]")) fold(button);
    if (button.matches("[data-menu-button]")) openMenu(root.dataset.menu !== "open");
    if (button.matches("[data-close-message]")) button.closest(".note").remove();
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && !event.defaultPrevented) closeOnEscape(event);
  });

  document.addEventListener("focusin", function (event) {
    closeMenus(event.target);
  });

  document.addEventListener("change", function (event) {
    const input = event.target;
    if (input.dataset.choice) choose(input.dataset.choice, input.value);
  });

  document.addEventListener("DOMContentLoaded", function () {
    showChoices();
    for (const button of document.querySelectorAll("[data-fold]")) showFolded(button);
    for (const message of document.querySelectorAll(".messages .note")) endLater(message);
  });
})();
