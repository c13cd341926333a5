// The parts of the page that are opened by a wish for them: a bundle of its own, fetched when the page
// has started. What they share with the page comes from the page's own bundle (build.mjs).

export { KeysDialog } from "./canvas/KeysDialog";
export { ConflictDialog } from "./dialogs/ConflictDialog";
export { DeleteDialog } from "./dialogs/DeleteDialog";
export { ImportDialog } from "./dialogs/ImportDialog";
export { PublishDialog } from "./dialogs/PublishDialog";
export { InputSchema } from "./panels/InputSchema";
export { JsonTab } from "./panels/JsonTab";
export { Problems } from "./panels/Problems";
export { Suggestions } from "./panels/Suggestions";
export { showTools } from "./panels/ToolList";
export { TryIt } from "./panels/TryIt";
