import type { Ids } from "./ids";

const SESSION_MS = 18e5; // a visit ends after 30 minutes without activity

/** Reads "visitor.session.lastActivityMs"; the session is dropped when its visit is over at `nowMs`. */
export function parseIds(stored: string, nowMs: number): Ids {
  const [, visitor = null, session = null, last = 0] = /^([\w-]+)\.([\w-]*)\.(\d+)$/.exec(stored) || [];
  return { visitor, session: nowMs - +last < SESSION_MS ? session || null : null };
}
