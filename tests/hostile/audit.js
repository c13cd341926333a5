// What a page made of texts that should have stayed text, and all the text that it shows.
async () => {
  // What runs a little after a page has loaded: scripts of the theme, elements that get the focus.
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)));
  const hostile = /hit\(|hostile|evil\.invalid/;
  const calm = new Set(["value", "title", "placeholder", "alt", "content", "label"]);
  const leads = new Set(["href", "action", "hx-get", "formaction"]);
  const isCalm = (name, value) =>
    calm.has(name) ||
    name.startsWith("data-") ||
    name.startsWith("aria-") ||
    // An address of ours, with the text in its query.
    (leads.has(name) && /^(\?|\/(?!\/|hostile))/.test(value));
  const made = [];
  const shown = [document.documentElement.textContent];
  for (const element of document.querySelectorAll("*")) {
    const tag = element.localName;
    if (element.hasAttribute("data-hostile")) made.push(element.outerHTML.slice(0, 200));
    for (const { name, value } of element.attributes) {
      if (calm.has(name)) shown.push(value);
      if (hostile.test(`${name}=${value}`) && !isCalm(name, value)) {
        made.push(`<${tag} ${name}=${value.slice(0, 200)}`);
      }
    }
    const runs = tag === "style" || (tag === "script" && !/json/.test(element.type));
    if (runs && hostile.test(element.textContent)) {
      made.push(`<${tag}>${element.textContent.slice(0, 200)}`);
    }
    if (tag === "textarea" || tag === "input") shown.push(element.value);
  }
  return { made, shown: shown.join("\n") };
};
