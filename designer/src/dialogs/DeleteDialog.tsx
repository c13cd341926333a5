// Asks before the design is deleted. One that is deployed or was run cannot be.

import { useState } from "preact/hooks";
import { ApiError, call } from "../api";
import { store } from "../store";
import { closeDialog } from "../panels/Dialogs";

export function DeleteDialog() {
  const [problem, setProblem] = useState("");
  const { data } = store.get();
  const remove = async () => {
    try {
      await call(data.urls.api_design ?? "", { method: "DELETE" });
      location.assign(data.urls.list ?? "/designs/");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.message);
    }
  };
  return (
    <>
      <div class="pad">
        <p>“{data.design.name}” with its draft and all its versions is deleted for everybody. This cannot be undone.</p>
        {problem && <p class="note bad" role="alert">{problem}</p>}
      </div>
      <footer>
        <button class="button" type="button" onClick={closeDialog}>Cancel</button>
        <button class="button danger" type="button" onClick={() => void remove()}>Delete</button>
      </footer>
    </>
  );
}
