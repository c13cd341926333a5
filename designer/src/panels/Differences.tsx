// Two texts side by side, word by word.

type Piece = [kind: "same" | "removed" | "added", text: string];

const MAX_WORDS = 1_500;

/** The words of both texts in order: kept, removed and added (longest common subsequence). */
export function wordDifferences(before: string, after: string): Piece[] {
  const [one, other] = [wordsOf(before), wordsOf(after)];
  if (one.length > MAX_WORDS || other.length > MAX_WORDS) return [["removed", before], ["added", after]];
  const width = other.length + 1;
  const lengths = new Uint16Array((one.length + 1) * width);
  for (let row = one.length - 1; row >= 0; row -= 1) {
    for (let column = other.length - 1; column >= 0; column -= 1) {
      const down = lengths[(row + 1) * width + column] ?? 0;
      const right = lengths[row * width + column + 1] ?? 0;
      const both = (lengths[(row + 1) * width + column + 1] ?? 0) + 1;
      lengths[row * width + column] = one[row] === other[column] ? both : Math.max(down, right);
    }
  }
  const pieces: Piece[] = [];
  const add = (kind: Piece[0], text: string) => {
    const last = pieces.at(-1);
    if (last?.[0] === kind) last[1] += text;
    else pieces.push([kind, text]);
  };
  let [row, column] = [0, 0];
  while (row < one.length && column < other.length) {
    const [left, right] = [one[row] as string, other[column] as string];
    if (left === right) {
      add("same", left);
      row += 1;
      column += 1;
    } else if ((lengths[(row + 1) * width + column] ?? 0) >= (lengths[row * width + column + 1] ?? 0)) {
      add("removed", left);
      row += 1;
    } else {
      add("added", right);
      column += 1;
    }
  }
  one.slice(row).forEach((word) => add("removed", word));
  other.slice(column).forEach((word) => add("added", word));
  return pieces;
}

const wordsOf = (text: string): string[] => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

export function Differences({ before, after }: { before: string; after: string }) {
  const pieces = wordDifferences(before, after);
  const side = (kind: "removed" | "added") =>
    pieces.filter(([piece]) => piece === "same" || piece === kind).map(([piece, text], place) => {
      if (piece === "same") return text;
      return piece === "removed" ? <del key={place}>{text}</del> : <ins key={place}>{text}</ins>;
    });
  return (
    <div class="sides">
      <div class="out-text" aria-label="Now">{side("removed")}</div>
      <div class="out-text" aria-label="Suggested">{side("added")}</div>
    </div>
  );
}
