/** A duration from the server if it is one (0.1 s to 1 day), else `otherwise`. A timer given NaN or 0 would spin. */
export function checkMs<T>(value: unknown, otherwise: T): number | T {
  return typeof value === "number" && value >= 100 && value <= 864e5 ? value : otherwise;
}
