import { formatIds } from "./formatIds";
import type { Ids } from "./ids";
import type { Store } from "./makeStore";
import { parseIds } from "./parseIds";

/** The ids as of now, with this moment noted as activity. What a visitor deleted is not written again. */
export function touchIds(store: Store): Ids {
  const now = Date.now();
  const ids = parseIds(store.read(), now);
  if (ids.visitor) store.write(formatIds(ids, now));
  return ids;
}
