// The placeholders of a text, `{{ … }}`, and which of them read what is not there: as one types, before
// the server has looked (designs/graph/wording.py has its rules).

import { connectionsOf, upstream, type DesignDocument, type Problem } from "./document";

export interface Piece {
  text: string;
  kind: "text" | "right" | "wrong";
}

export type IsWrong = (expression: string) => boolean;

const PLACEHOLDER = /(\\?)\{\{([\s\S]*?)\}\}/g;
const FACTS = ["id", "trigger", "started_at"];
/** Texts, literals and what stands in brackets, whose names are not those of the run. */
const NOT_READ = /'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\[[^\]]*\]|&[^,)]*|[\w"]+\s*:|\blet(?=\s*\$)/g;
const LET = /\blet\s*\$/;
const PATH = /(?<![\w.@"$])"?([A-Za-z_]\w*)"?(?!\w*\s*\()(?:\s*\.\s*"?(\w+)"?)?(?:\s*\.\s*"?(\w+)"?)?/g;

/** What the texts of a block may read; null: the design's result, which sees all blocks. */
export function judgeFor(document: DesignDocument, blockId: string | null): IsWrong {
  const above = blockId === null ? new Set(document.blocks.map(({ id }) => id)) : upstream(document, blockId);
  const receives = blockId !== null && connectionsOf(document).some((link) => link.target === blockId);
  const isRead = (name: string, inner: string | undefined, last: string | undefined): boolean => {
    if (name === "input") return true;
    if (name === "incoming") return receives;
    if (name === "execution") return inner === undefined || FACTS.includes(inner);
    return name === "blocks" && (inner === undefined || (above.has(inner) && (last ?? "output") === "output"));
  };
  return (expression) => {
    // Behind a pipe the names are those of the value before it.
    const read = expression.replace(NOT_READ, " ");
    const [first = ""] = (LET.test(expression) ? read.replace(/\bin\b/g, " ") : read).split(/(?<!\|)\|(?!\|)/);
    return !expression.trim() || [...first.matchAll(PATH)].some(([, name = "", inner, last]) => !isRead(name, inner, last));
  };
}

export function piecesOf(text: string, isWrong: IsWrong, problems: Problem[] = []): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: whole, 1: escape, 2: body = "", index } of text.matchAll(PLACEHOLDER)) {
    if (escape) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), kind: "text" });
    pieces.push({ text: whole, kind: isWrong(body) ? "wrong" : "right" });
    end = index + whole.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), kind: "text" });
  return problems.length ? blamed(pieces, problems) : pieces;
}

/** What the server alone finds is that which it names, or the only one there is. */
function blamed(pieces: Piece[], problems: Problem[]): Piece[] {
  const placeholders = pieces.filter(({ kind }) => kind !== "text");
  if (placeholders.some(({ kind }) => kind === "wrong")) return pieces;
  const named = problems.map(({ message }) => /`([^`]+)`/.exec(message)?.[1]);
  const isBlamed = ({ text }: Piece) => placeholders.length === 1 || named.some((name) => name && text.includes(name));
  return pieces.map((piece) => (piece.kind === "right" && isBlamed(piece) ? { ...piece, kind: "wrong" } : piece));
}
