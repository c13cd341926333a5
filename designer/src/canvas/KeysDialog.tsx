// The table of keys that `?` shows.

import { KEYS } from "../keys";

export function KeysDialog() {
  return (
    <div class="pad">
      <p class="soft small">Keys without Ctrl act while the canvas has the focus: click it, or come to it with Tab.</p>
      <div class="keys-groups">
        {KEYS.map(({ title, rows }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(({ keys, does }) => (
                <div key={does}>
                  <dt>{keys.map((chord) => <span key={chord.join(" ")}>{chord.map((key) => <kbd key={key}>{key}</kbd>)}</span>)}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </div>
  );
}
