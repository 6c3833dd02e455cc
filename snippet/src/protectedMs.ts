export type SignalType = "view" | "beat" | "hide" | "leave" | "tap";

const HIDDEN_MS = 3e5; // a hidden page is kept for 5 minutes, or for the hold if that is longer

/** How long after a signal was sent its number is surely still this page's, given the announced beat and the hold. */
export function protectedMs(type: SignalType, beatMs: number, holdMs: number): number {
  if (type === "leave") return holdMs;
  const shown = 1.5 * beatMs + holdMs;
  return type === "hide" ? Math.min(shown, Math.max(holdMs, HIDDEN_MS)) : shown;
}
