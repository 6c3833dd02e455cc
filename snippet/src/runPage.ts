import type { Config, Consent } from "./config";
import { loadScript } from "./loadScript";
import type { Leased, Numbers } from "./leased";
import { makeClock } from "./makeClock";
import { makeStore, readLocal, writeLocal } from "./makeStore";
import { makeSwapper } from "./makeSwapper";
import { readConsent } from "./readConsent";
import { safely } from "./safely";

const IDLE_MS = 6e4;
const ASLEEP_MS = 144e5; // nobody has moved for four hours: nobody is there
const SESSION_MS = 18e5; // a visit ends after 30 minutes without activity
const LINK_MS = 12e4; // who follows a link to a linked site is there within two minutes
const LEASE_GAP_MS = 5e3; // between two leases that nothing but our own state asks for
const FAILED_RETRY_MS = 3e4; // times the failures in a row
const HIDDEN_MS = 3e5; // a hidden page's number is kept for so long at least

type SignalType = "view" | "beat" | "hide" | "leave" | "tap" | "set";
type Answer = Record<string, unknown>;
type Said = Pick<Leased, "number" | "national">;

/** What the page's own scripts may ask of one tag. */
export interface Tag {
  restore(): void;
  number(target: string, tell?: (said: Said) => void): Promise<Said> | undefined;
  set(fields: object): void;
  on(type: string, listener: (numbers: Numbers) => void): void;
  consent(said: Consent): void;
  state(): object;
}

/**
 * One page view: lease, show, signal, and put back whatever is no longer surely ours. What is due is kept as moments, and
 * `sync` does what has come due: timers, events and answers all end there.
 */
export function runPage([key, endpoint, version, targets, options]: Config): Tag {
  const page = window as { __tcfapi?: unknown; __next_f?: unknown; __NUXT__?: unknown };
  const name = "dni_" + key;
  const clock = makeClock();
  const pageId = Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
  const custom = {};
  const listeners: [string, (numbers: Numbers) => void][] = [];
  let waiting: (() => void)[] = [];

  let leased: Numbers = {}; // a new object for each answer, which tells answers apart
  let visitor: string | null = null;
  let session: string | null = null;
  let reason: string | null = null;
  let beatMs = 2e4;
  let holdMs = 0;

  let leaseAt = 0;
  let beatAt = Infinity;
  let protectedUntil = Infinity;
  let askedAt = 0;
  let movedAt = clock();
  let leftAt = -1;
  let seq = 0;
  let heardSeq = 0; // of the last signal that counts
  let timer = 0;
  let setTimer = 0;
  let failures = 0;

  let ready = false; // the page is there
  let asking = false;
  let asked: Set<string> | undefined; // targets in the last lease
  let active = false; // visible when last looked
  let away = false; // in the back/forward cache, or undone
  let undone = false;
  let tookMs: number | undefined;
  let address = location.pathname + location.search;
  let told: Consent | undefined;
  let consent = readConsent(told, options);

  // A framework that takes over what the server sent must find it as it was.
  const hydrates = (): boolean =>
    !!(options.hydrate || page.__next_f || page.__NUXT__ || document.querySelector("#__next,#__nuxt,#__NEXT_DATA__"));
  const swapper = makeSwapper(targets, options, () => !ready && hydrates(), changed);
  const store = makeStore(name, () => consent === "granted");

  /** A static number has no lease: nothing to signal, nothing that runs out. */
  const leases = (): string[] =>
    Object.values(leased)
      .map(({ lease }) => lease!)
      .filter(Boolean);

  /** Remembers who this is, with this moment as activity: "visitor.session.ms". */
  function remember(): void {
    if (visitor) store.write(`${visitor}.${session || ""}.${Date.now()}`);
  }

  /** Who this is as of now. What a visitor deleted is not written again. */
  function recall(): void {
    const [who, visit, at] = store.read().split(".");
    visitor = who || null;
    session = (Date.now() - +at! < SESSION_MS && visit) || null;
    remember();
  }

  /** For the visitor's next page: the numbers, and until when they are surely his. */
  function keep(): void {
    const kept = consent === "granted" && leases()[0] && [leased, clock(), protectedUntil, beatMs, holdMs];
    writeLocal(name + "_", kept ? JSON.stringify(kept) : "");
  }

  function swap(): void {
    swapper.show_(leased);
    document.getElementById("dni-hide")?.remove();
  }

  function show(): void {
    swap();
    emit(Object.keys(leased)[0] ? "swap" : "original");
    keep();
  }

  function emit(type: string): void {
    listeners.forEach(([wanted, listener]) => wanted === type && safely(listener)(leased));
  }

  /**
   * Posts JSON. Gives the answer ({} for none), or null when nobody will hear one; rejects on every status but 2xx and on
   * a dead network. `parting` requests outlive the page and need not be answered.
   */
  async function post(path: string, about: object, more: object, parting?: boolean): Promise<Answer | null> {
    const ids: Record<string, string> = {};
    if (consent === "granted") {
      safely(() =>
        document.cookie.replace(/\b(_ga\w*|_gcl_\w+|_fb[cp])=([^;]{1,256})/g, (_, id: string, value: string) => (ids[id] = value)),
      )();
    }
    // A string goes as text/plain, for which the browser asks no preflight.
    const body = JSON.stringify({
      v: 1,
      tag: key,
      visitor,
      session,
      page: { id: pageId, seq: ++seq, url: location.href, ...about },
      ids,
      custom,
      preview: options.preview,
      ...more,
    });
    const url = `${endpoint}/v1/${path}`;
    // Before Firefox 133 fetch has no keepalive, so a beacon first. It is missing or false where it is blocked or full.
    if (parting && navigator.sendBeacon?.(url, body)) return null;
    const answer = await fetch(url, {
      method: "POST",
      body,
      credentials: options.cookie ? "include" : "omit",
      keepalive: path === "signal",
    });
    if (!answer.ok) throw 0;
    return answer.status === 204 ? {} : answer.json();
  }

  function protect(type: SignalType, sent: number): number {
    if (type === "leave") return sent + holdMs;
    return sent + Math.min(1.5 * beatMs + holdMs, type === "hide" ? HIDDEN_MS : Infinity);
  }

  function signal(type: SignalType, named = leases()): void {
    if (!named[0] && type !== "view" && type !== "set") return;
    const sent = clock();
    const about = leased;
    const mine = seq + 1;
    const goesBy = beatMs; // the answer speaks of this beat, whatever another answer says meanwhile
    if (type === "leave" || type === "hide") {
      // From here on the server keeps the number for a shorter time, whether or not we hear that it got this.
      heardSeq = mine;
      protectedUntil = Math.min(protectedUntil, protect(type, sent));
      keep();
    } else remember();
    post(
      "signal",
      { ...swapper.count_(), version, reason, beat_ms: goesBy, idle: sent - movedAt > IDLE_MS, took_ms: tookMs },
      { signals: named[0] ? named.map((lease) => ({ type, lease })) : [{ type }] },
      type === "leave" || type === "tap",
    )
      .then((answer) => {
        // A tap names one lease: its answer says nothing of the page's others.
        if (!answer || !named[0] || type === "tap" || about !== leased) return;
        const ended = answer.ended as string[] | undefined;
        if (mine >= heardSeq) {
          heardSeq = mine;
          beatMs = (answer.beat_ms as number) || goesBy;
          beatAt = sent + beatMs;
          protectedUntil = protect(type, sent);
        }
        keep();
        if (ended) {
          for (const target in leased) if (ended.includes(leased[target]!.lease!)) delete leased[target];
          leaseAt = askedAt + LEASE_GAP_MS;
          show();
        }
        sync();
      })
      .catch(() => {}); // not heard: the protected time runs out by itself
    tookMs = undefined;
  }

  function settle(): void {
    asking = false;
    waiting.forEach((tell) => safely(tell)());
    waiting = [];
    sync();
  }

  function lease(): void {
    leaseAt = Infinity;
    const numbers = [...swapper.found_];
    asked = new Set(numbers);
    if (!numbers[0]) {
      show();
      return signal("view");
    }
    const sent = (askedAt = clock());
    asking = true;
    recall();
    post(
      "lease",
      { title: document.title },
      {
        numbers,
        visible: true,
        consent,
        referrer: document.referrer,
        tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
        lang: navigator.language,
        screen: screen.width + "x" + screen.height,
        robot: navigator.webdriver,
      },
    )
      .then((answer) => {
        failures = 0;
        if (!away && sent > leftAt) adopt(answer!, sent);
        else leaseAt = 0; // too late for this view; a page that comes back asks again
        settle();
      })
      .catch(() => {
        reason = "failed";
        leaseAt = clock() + FAILED_RETRY_MS * ++failures;
        show();
        settle();
      });
  }

  function adopt(answer: Answer, sent: number): void {
    const numbers = answer.numbers as Numbers;
    ({ visitor, session } = answer as { visitor: string | null; session: string | null });
    remember();
    leased = {};
    reason = null;
    beatMs = answer.beat_ms as number;
    for (const target in numbers) {
      const one = numbers[target]!;
      if (one.kind !== "original") {
        leased[target] = one;
        if (one.lease) holdMs = one.protected_ms - 1.5 * beatMs; // the beat changes, the hold does not
      } else {
        reason = one.reason;
        if (one.retry_ms) leaseAt = Math.min(leaseAt, clock() + one.retry_ms);
      }
    }
    beatAt = clock() + beatMs;
    protectedUntil = sent + 1.5 * beatMs; // a lease that never signalled has no hold
    sync(); // the answer may have slept on the way
    show();
    emit("lease");
    signal("view");
  }

  function changed(): void {
    if (asked && !asking && [...swapper.found_].some((target) => !asked!.has(target))) leaseAt = 0;
    sync();
  }

  const sync = safely(() => {
    const now = clock();
    const visible = !away && !document.hidden && !(document as { prerendering?: boolean }).prerendering;
    const granted = consent === "granted";
    if (consent !== (consent = readConsent(told, options))) {
      if (granted) store.write("");
      visitor = session = null;
      leased = {};
      leaseAt = 0;
      show();
    }
    if (now >= protectedUntil) {
      leaseAt = askedAt + LEASE_GAP_MS;
      leased = {}; // by now the numbers may be another visitor's
      show();
    }
    if (!leases()[0]) beatAt = protectedUntil = Infinity;
    else if (visible !== active) {
      if (visible) beatAt = now;
      else signal("hide");
    }
    active = visible;
    const awake = visible && now - movedAt < ASLEEP_MS;
    if (awake && now >= beatAt) {
      beatAt = now + beatMs;
      signal("beat");
    }
    const asks = awake && ready && !(consent === "unknown" && options.wait);
    if (asks && now >= leaseAt) lease();
    if (asked && address !== (address = location.pathname + location.search)) signal(location.search ? "set" : "view");
    clearTimeout(timer);
    const next = Math.min(
      protectedUntil,
      awake ? beatAt : Infinity,
      asks ? leaseAt : Infinity,
      visible && !granted ? now + 1e3 : Infinity,
    );
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
    const link = /k$|down/.test(type) && (target as Element).closest<HTMLAnchorElement>("a[href]");
    if (link) {
      const tapped = leased[swapper.targetOf_(link)!]?.lease;
      if (type === "click" && tapped) signal("tap", [tapped]);
      if (visitor && options.domains?.includes(link.hostname) && !/[?&]_dni=/.test(link.search)) {
        link.search += `${link.search ? "&" : "?"}_dni=${visitor}.${session || ""}.${Date.now()}`;
      }
    }
    if (type === "pagehide") leave();
    if (type === "pageshow") away = undone;
    const idle = clock() - movedAt > IDLE_MS;
    movedAt = clock();
    if (idle || !/^(poi|scr|key)/.test(type)) sync();
  });

  if (consent === "granted") {
    // Linked from a site of the same owner: the visitor is who he was there.
    const [, brought, at] = /[?&]_dni=([\w-]+\.[\w-]*\.(\d+))/.exec(location.search) || [];
    if (brought) {
      if (Math.abs(Date.now() - +at!) < LINK_MS) store.write(brought);
      // Whoever is sent this address is somebody else.
      history.replaceState(history.state, "", location.href.replace(/[?&]_dni=[\w.-]*/, ""));
    }
    safely(() => {
      const [numbers, savedAt, until, beat, hold] = JSON.parse(readLocal(name + "_")!);
      if (savedAt > clock() || clock() >= until) return;
      recall();
      leased = numbers;
      protectedUntil = until;
      beatMs = beat;
      holdMs = hold;
      beatAt = clock() + beat;
      active = !document.hidden;
      if (!hydrates()) swap();
    })();
  }
  // Chrome says `resume` to a frozen tab, whose timers stood still. Capturing, since visibilitychange does not bubble
  // in Safari before 14, and so that no handler of the page can keep a tap from us.
  for (const type of "visibilitychange,prerenderingchange,resume,pageshow,pagehide,click,pointerdown,pointermove,scroll,keydown".split(",")) {
    addEventListener(type, handle, { capture: true, passive: true });
  }
  if (page.__tcfapi) loadScript(endpoint + "/t/tcf.js");
  sync();

  const begin = safely(() => {
    const before = performance.now();
    ready = true;
    swapper.show_(leased);
    tookMs = performance.now() - before;
    sync();
  });
  const whenParsed = (): unknown => {
    if (!hydrates()) return begin();
    if (document.readyState === "complete") setTimeout(begin, 99);
    else addEventListener("load", () => setTimeout(begin, 99));
    return;
  };
  // In this task still, but after the page's queued calls were heard.
  if (document.readyState !== "loading") Promise.resolve().then(whenParsed);
  else addEventListener("DOMContentLoaded", whenParsed);

  return {
    restore() {
      leave();
      undone = true;
      leased = {};
      show();
      swapper.stop_();
      sync();
    },
    number(target, tell) {
      if (!targets.some(([e164]) => e164 === target)) return;
      swapper.found_.add(target);
      return new Promise((resolve) => {
        waiting.push(() => {
          const said = leased[target] || { number: target, national: target };
          resolve(said);
          tell?.(said);
        });
        if (asked?.has(target) && !asking) settle();
        else changed();
      });
    },
    set(fields) {
      Object.assign(custom, fields);
      clearTimeout(setTimer);
      setTimer = window.setTimeout(() => session && signal("set"), 99);
    },
    on(type, listener) {
      listeners.push([type, listener]);
    },
    consent(said) {
      told = said;
      sync();
    },
    state: () => ({ ...swapper.count_(), version, reason, consent, session, leased, beatMs, protectedUntil }),
  };
}
