// What the page says: for six seconds, errors until they are closed.

import { useEffect, useState } from "preact/hooks";
import { store, useStore, type Message } from "../store";
import { Icon } from "./Icon";

const SHOWN_MILLISECONDS = 6_000;

export function Messages() {
  const messages = useStore((state) => state.messages);
  return (
    <div class="designer-messages" role="status">
      {messages.map((message) => (
        <Shown key={message.id} message={message} />
      ))}
    </div>
  );
}

function Shown({ message }: { message: Message }) {
  const [isHeld, hold] = useState(false);
  useEffect(() => {
    if (message.isError || isHeld) return;
    const timer = setTimeout(() => store.dismiss(message.id), SHOWN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [isHeld]);
  const { action } = message;
  return (
    <div
      class={message.isError ? "note bad" : "note"}
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocusCapture={() => hold(true)}
      onBlurCapture={() => hold(false)}
    >
      <span>{message.text}</span>
      {action && (
        <button
          class="button small bare"
          type="button"
          onClick={() => {
            store.dismiss(message.id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button class="button small bare square" type="button" aria-label="Close" onClick={() => store.dismiss(message.id)}>
        <Icon name="close" small />
      </button>
    </div>
  );
}
