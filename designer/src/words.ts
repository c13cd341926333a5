// Numbers as the other pages write them.

/** `2 ms`, `1.9 s`, `31 s`, `2 min 5 s`. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) return "";
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.round(seconds % 60)} s`;
}

/** `$0.0008`, `$1.20`; a dash where the price is unknown. */
export function money(cost: string | number | null): string {
  if (cost === null) return "–";
  const amount = Number(cost);
  if (Number.isNaN(amount)) return "–";
  return amount === 0 ? "$0" : `$${amount.toFixed(amount >= 1 ? 2 : 4)}`;
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
