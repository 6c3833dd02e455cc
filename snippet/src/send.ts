/**
 * Posts JSON. Gives the answer's JSON ({} for none), or null when nobody will hear an answer; rejects on every status
 * but 2xx and on a dead network. `lasting` requests outlive the page; `parting` ones need not be answered either.
 */
export async function send(url: string, body: object, lasting?: boolean, parting?: boolean): Promise<Answer | null> {
  const json = JSON.stringify(body); // a string goes as text/plain, for which the browser asks no preflight
  // Before Firefox 133 fetch has no keepalive, so a beacon first. It is missing or false where it is blocked or full.
  if (parting && navigator.sendBeacon && navigator.sendBeacon(url, json)) return null;
  const answer = await fetch(url, { method: "POST", body: json, credentials: "omit", keepalive: !!lasting });
  if (!answer.ok) throw 0;
  return answer.status === 204 ? {} : answer.json();
}

export type Answer = Record<string, unknown>;
