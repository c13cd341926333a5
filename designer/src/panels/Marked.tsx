// A sentence of the server in which `names` stand in backticks.

export function Marked({ text }: { text: string }) {
  return <>{text.split("`").map((piece, place) => (place % 2 ? <code key={place}>{piece}</code> : piece))}</>;
}
