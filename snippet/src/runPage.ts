import { checkId } from "./checkId";
import { checkLease, type Leased } from "./checkLease";
import { checkMs } from "./checkMs";
import type { Config } from "./config";
import { formatIds } from "./formatIds";
import { isVisible } from "./isVisible";
import { makeClock } from "./makeClock";
import { makeStore } from "./makeStore";
import { makeSwapper } from "./makeSwapper";
import { pageFacts } from "./pageFacts";
import { parseNumber, type PhoneNumber } from "./parseNumber";
import { protectedMs, type SignalType } from "./protectedMs";
import { safely } from "./safely";
import { send, type Answer } from "./send";
import { touchIds } from "./touchIds";
import { wellFormed } from "./wellFormed";

const FAILED_RETRY_MS = 3e4;
const MOST_RETRIES = 10;

/**
 * One page view: lease, show, signal, and put back whatever is no longer surely ours. Returns what undoes it all.
 * What is due is kept as moments, and `sync` does what has come due: timers, events and answers all end there.
 */
export function runPage(config: Config, endpoint: string): () => void {
  const swapper = makeSwapper(config.targets.map(parseNumber).filter((number): number is PhoneNumber => !!number));
  const store = makeStore("dni_" + config.key, config.consent === "granted");
  const clock = makeClock(Date.now);
  const pageId = Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
  let seq = 0;

  let leased: Record<string, Leased> = {}; // by target; a new object for each answer, which tells answers apart
  let visitor: string | null = null;
  let session: string | null = null;
  let reason: unknown = null;
  let beatMs = 2e4;
  let holdMs = 0;

  let leaseAt = 0;
  let beatAt = Infinity;
  let protectedUntil = Infinity;
  let heardSeq = 0; // of the last signal that counts
  let leftAt = -1;
  let timer = 0;

  let active = false; // visible when last looked
  let away = false; // in the back/forward cache, or undone
  let undone = false;
  let failed = false;
  let retries = 0; // since the page came into view, or showed all its targets for a whole beat

  /** A static number has no lease: nothing to signal, nothing that runs out. */
  function leases(): string[] {
    return Object.values(leased)
      .map(({ lease }) => lease)
      .filter(Boolean);
  }

  function post(path: string, page: object, more: object, lasting?: boolean, parting?: boolean): Promise<Answer | null> {
    const body = {
      v: 1,
      tag: config.key,
      visitor,
      session,
      page: { id: pageId, seq: ++seq, url: location.href, ...page },
      ids: {},
      custom: {},
      ...more,
    };
    return send(`${endpoint}/v1/${path}`, body, lasting, parting);
  }

  function signal(type: SignalType, named = leases()): void {
    if (!named[0] && type !== "view") return;
    const sent = clock();
    const about = leased;
    const mine = seq + 1;
    const told = beatMs; // the answer speaks of this beat, whatever another answer says meanwhile
    const parting = type === "leave";
    if (parting || type === "hide") {
      // From here on the server keeps the number for a shorter time, whether or not we hear that it got this.
      heardSeq = mine;
      protectedUntil = Math.min(protectedUntil, sent + protectedMs(type, beatMs, holdMs));
    } else touchIds(store);
    post(
      "signal",
      { ...swapper.count(), version: config.version, reason, beat_ms: told },
      { signals: named.map((lease) => ({ type, lease })) },
      true,
      parting || type === "tap",
    )
      .then((answer) => {
        // A tap names one lease: its answer says nothing of the page's others.
        if (answer && named[0] && type !== "tap" && about === leased) heard(type, mine, sent, told, answer);
      })
      .catch(() => {}); // not heard: the protected time runs out by itself
  }

  function heard(type: SignalType, mine: number, sent: number, told: number, { beat_ms, ended }: Answer): void {
    if (mine >= heardSeq) {
      heardSeq = mine;
      beatMs = checkMs(beat_ms, told);
      beatAt = sent + beatMs;
      protectedUntil = sent + protectedMs(type, beatMs, holdMs);
    }
    Object.keys(leased).forEach((target) => {
      if (!((ended as unknown[]) || []).includes(leased[target]!.lease)) return;
      delete leased[target];
      leaseAgain(0);
    });
    swapper.show(leased);
    sync();
  }

  function leaseAgain(at: number): void {
    if (retries++ < MOST_RETRIES) leaseAt = at;
  }

  function lease(): void {
    leaseAt = Infinity;
    const numbers = swapper.find();
    const ids = touchIds(store);
    if (!numbers[0]) return signal("view");
    const sent = clock();
    post(
      "lease",
      { title: wellFormed(document.title) },
      { ...ids, numbers, visible: true, consent: config.consent, ...pageFacts() },
    )
      .then((answer) => {
        failed = false;
        if (!away && sent > leftAt) return adopt(answer!, numbers, sent);
        leaseAt = 0; // too late for this view; a page that comes back asks again
        sync();
      })
      .catch(() => {
        if ((failed = !failed)) leaseAt = clock() + FAILED_RETRY_MS;
        sync();
      });
  }

  function adopt(answer: Answer, numbers: readonly string[], sent: number): void {
    let protection = Infinity;
    let retryMs = Infinity;
    let refused: unknown = null;
    const announced = checkMs(answer.beat_ms, beatMs);
    const usable: typeof leased = {};
    numbers.forEach((target) => {
      const entry = (answer.numbers as Record<string, Record<string, unknown>>)[target]!;
      const shown = checkLease(entry);
      if (shown) {
        usable[target] = shown;
        if (shown.lease) protection = Math.min(protection, checkMs(entry.protected_ms, 1.5 * announced));
      } else {
        refused = entry.reason;
        retryMs = Math.min(retryMs, checkMs(entry.retry_ms, retryMs));
      }
    });
    visitor = checkId(answer.visitor);
    session = checkId(answer.session);
    if (visitor) store.write(formatIds({ visitor, session }, Date.now()));
    beatMs = announced;
    holdMs = protection - 1.5 * beatMs; // protected_ms is 1.5 beats and the hold; the beat changes, the hold does not
    beatAt = clock() + beatMs;
    protectedUntil = sent + 1.5 * beatMs; // a lease that never signalled has no hold
    leased = usable;
    reason = refused;
    if (retryMs < Infinity) leaseAgain(clock() + retryMs);
    sync(); // the answer may have slept on the way
    swapper.show(leased);
    signal("view");
  }

  const sync = safely(() => {
    const now = clock();
    const visible = !away && isVisible();
    if (visible !== active) retries = 0;
    if (now >= protectedUntil) {
      leaseAgain(0);
      swapper.show((leased = {})); // by now the numbers may be another visitor's
    }
    if (!leases()[0]) beatAt = protectedUntil = Infinity;
    else if (visible !== active) {
      if (visible) beatAt = now;
      else signal("hide");
    }
    active = visible;
    if (visible && now >= beatAt) {
      beatAt = now + beatMs;
      if (!reason) retries = 0;
      signal("beat");
    }
    if (visible && now >= leaseAt) lease();
    clearTimeout(timer);
    const next = visible ? Math.min(protectedUntil, beatAt, leaseAt) : protectedUntil;
    if (next < Infinity) timer = window.setTimeout(sync, next - now);
  });

  function leave(): void {
    leftAt = clock();
    signal("leave");
    // Unloading hides the page after pagehide (HTML, "unload a document"); that must not undo the leave.
    away = true;
    active = false;
  }

  const handle = safely(({ type, target }: Event) => {
    if (type === "click") {
      const link = (target as Element).closest("[href]");
      const tapped = link && leased[swapper.targetOf(link)];
      return tapped && tapped.lease && signal("tap", [tapped.lease]);
    }
    if (type === "pagehide") leave();
    if (type === "pageshow") away = undone;
    sync();
  });
  // Chrome says `resume` to a frozen tab, whose timers stood still. Capturing, since visibilitychange does not bubble
  // in Safari before 14, and so that no handler of the page can keep a tap from us.
  ["visibilitychange", "prerenderingchange", "resume", "pageshow", "pagehide", "click"].forEach((type) =>
    addEventListener(type, handle, true),
  );
  sync();

  return () => {
    leave();
    undone = true;
    swapper.show((leased = {}));
    sync();
  };
}
