// Pages that ask one question open as a dialog: a link with data-dialog shows its page's content.
// A plain form in it posts like the page's own, and the answer is a page.
"use strict";

(function () {
  let opener = null;

  function head(title) {
    const header = document.createElement("header");
    const heading = document.createElement("h2");
    const close = document.createElement("button");
    heading.id = "dialog-title";
    heading.textContent = title;
    close.className = "button bare small square end";
    close.type = "button";
    close.dataset.close = "";
    close.setAttribute("aria-label", "Close");
    close.append("×");
    header.append(heading, close);
    return header;
  }

  function show(dialog, page, address) {
    const content = page.querySelector("#main .content");
    const title = page.querySelector("#main h1");
    if (!content || !title) return false;
    const body = document.createElement("div");
    body.className = "asked";
    body.append(...content.children);
    for (const form of body.querySelectorAll("form")) {
      if (!form.hasAttribute("action")) form.action = address;
    }
    dialog.replaceChildren(head(title.textContent.trim()), body);
    htmx.process(body);
    dialog.showModal();
    const first = body.querySelector("[autofocus], input:not([type=hidden]), select, textarea") ||
      body.querySelector("[data-cancel]");
    first?.focus();
    document.dispatchEvent(new CustomEvent("htmx:afterSettle", { detail: { elt: dialog } }));
    return true;
  }

  async function ask(link) {
    const dialog = document.getElementById("dialog");
    link.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      opener = link.closest("details.menu")?.querySelector("summary") || link;
      // Signed out, not allowed, gone: the page itself says so.
      if (!answer.ok || answer.redirected || !show(dialog, page, link.href)) location.assign(link.href);
    } catch {
      location.assign(link.href);
    } finally {
      link.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a[data-dialog]");
    if (link && HTMLDialogElement.prototype.showModal) {
      event.preventDefault();
      ask(link);
      return;
    }
    const dialog = event.target.closest("dialog[open]");
    if (!dialog) return;
    // On the dialog itself: beside it.
    if (event.target === dialog || event.target.closest("[data-close], [data-cancel]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  document.addEventListener("close", function (event) {
    if (event.target.id !== "dialog") return;
    event.target.replaceChildren();
    if (opener?.isConnected) opener.focus();
    opener = null;
  }, true);
})();
