// Runs before any script of a page: tells of everything that no text may do.
(() => {
  const tell = (kind, what) => window.__tell(kind, `${what} (${location.pathname})`);
  window.hit = (number) => {
    tell("script", `hit ${number}`);
    return "";
  };
  for (const name of ["alert", "confirm", "prompt", "print"]) {
    window[name] = (text) => tell("dialog", text);
  }
  document.addEventListener("securitypolicyviolation", (event) => {
    tell("policy", `${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
})();
