import type { Ids } from "./ids";

/** Writes what parseIds reads. A dot separates, since ids are of [A-Za-z0-9_-]. */
export function formatIds({ visitor, session }: Ids, nowMs: number): string {
  return `${visitor}.${session || ""}.${nowMs}`;
}
