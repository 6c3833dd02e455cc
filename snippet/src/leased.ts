/** What the page shows instead of one target: an entry of the server's answer. */
export interface Leased {
  readonly kind: "pool" | "static" | "original";
  /** E.164 */
  readonly number: string;
  /** The number as people of its country write it. */
  readonly national: string;
  /** None for a static number: nobody else can get it, so it needs no signals. */
  readonly lease: string | null;
  readonly reason: string | null;
  /** ms, of a pool's number, once it has signalled */
  readonly protected_ms: number;
  readonly retry_ms: number | null;
}

/** By target. */
export type Numbers = Record<string, Leased>;
