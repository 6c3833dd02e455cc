/** What the page shows instead of one target. */
export interface Leased {
  /** E.164 */
  readonly number: string;
  /** The number as people of its country write it. */
  readonly national: string;
  /** "" for a static number: nobody else can get it, so it needs no signals. */
  readonly lease: string;
}

/** One entry of the server's answer, as far as it may be put on the page; null means leave the page as it is. */
export function checkLease({ kind, number, national, lease }: Record<string, unknown>): Leased | null {
  const usable = /^\+\d{7,15}$/.test(number as string) && (kind === "static" || (kind === "pool" && lease));
  if (!usable) return null;
  const readable = /^[-+\d\s().]+$/.test(national as string);
  return { number: `${number}`, national: `${readable ? national : number}`, lease: `${lease || ""}` };
}
