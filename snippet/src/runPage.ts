import type { Config, Consent } from "./config";
import type { Leased, Numbers } from "./leased";
import { cookies, readLocal, valueOf, write, writeLocal } from "./makeStore";
import { makeSwapper } from "./makeSwapper";
import { readConsent } from "./readConsent";
import { safely } from "./safely";

const TICK_MS = 1e3;
const IDLE_MS = 6e4;
const ASLEEP_MS = 144e5; // nobody has moved for four hours: nobody is there
const SESSION_MS = 18e5; // a visit ends after 30 minutes without activity
const LINK_MS = 12e4; // who follows a link to a linked site is there within two minutes
const LEASE_GAP_MS = 5e3; // between two leases that nothing but our own state asks for
const FAILED_RETRY_MS = 3e4; // times the failures in a row
const HYDRATION_MS = 99; // at least, after `load`

type SignalType = "view" | "beat" | "hide" | "leave" | "tap" | "set";
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
 * `sync` does what has come due: each second, and when something happened. Times are Date.now(), which counts sleep
 * (performance.now() need not: w3c/hr-time#115).
 */
export function runPage([key, endpoint, version, targets, options]: Config): Tag {
  const name = "dni_" + key;
  const pageId = "" + Math.random(); // tells the pages of one session apart
  const custom = {};
  const listeners: ((type: string) => void)[] = [];
  const waiting: (() => void)[] = [];

  let leased: Numbers = {}; // a new object for each answer, which tells answers apart
  let visitor: string | null | undefined;
  let session: string | null | undefined;
  let remembered = ""; // both, and when: "visitor.session.ms"
  let told: Consent | undefined;
  let consent = readConsent(told, options);
  let reason: string | null = null;
  let failures = 0;
  let seq = 0;
  let epoch = 0; // answers to what was said in an earlier one count no more
  let movedAt = Date.now();
  let active = !document.hidden; // when last looked

  // Nothing of this was so far, and comparing with undefined is false.
  let beatMs: number;
  let holdMs: number;
  let protectedUntil: number;
  let lookedAt: number;
  let beatAt: number;
  let leaseAt: number;
  let askedAt: number;
  let asked: number; // how many targets, in the last lease
  let tookMs: number;
  let address: string;
  let asking: boolean;
  let ready: boolean; // the page is there
  let away: boolean; // in the back/forward cache, or undone
  let undone: boolean;
  let news: boolean; // of the session, to be told
  let toldIds: string;

  // A framework that takes over what the server sent must find it as it was.
  const hydrates = (): boolean =>
    !ready && !!(options.hydrate || document.querySelector("#__next,#__nuxt,[src*='/_next/']"));
  // Tags of one build share it.
  const tags = window.__dni as unknown as Record<symbol, ReturnType<typeof makeSwapper>>;
  const swapper = (tags[Symbol.for(version)] ||= makeSwapper()).join_(targets, options, hydrates, () => sync());

  /** A static number has no lease: nothing to signal, nothing that runs out. */
  const leases = (): string[] => Object.values(leased).map(({ lease }) => lease!).filter(Boolean);

  /** Whether the numbers may be another visitor's by now, or before we look again; or the clock was set back. */
  const isOver = (now: number): boolean => now < lookedAt || !(now + TICK_MS < protectedUntil);

  /** Remembers who this is, with this moment as activity. */
  function remember(): void {
    if (!visitor) return;
    remembered = `${visitor}.${session}.${Date.now()}`;
    if (consent === "granted") write(name, remembered);
  }

  /** For the visitor's next page: the numbers, and until when they are surely his. */
  function keep(): void {
    writeLocal(
      name + "_",
      consent === "granted" && leases()[0] && JSON.stringify([leased, lookedAt, protectedUntil, beatMs, holdMs]),
    );
  }

  /** These are the numbers from now on. */
  function show(numbers: Numbers): void {
    leased = numbers;
    swapper.show_(leased);
    document.getElementById("dni-hide")?.remove();
    emit(Object.keys(leased)[0] ? "swap" : "original");
    keep();
  }

  /** Originals, but for what is still his, until there is another answer. */
  function end(still: Numbers = {}): void {
    leaseAt = askedAt + LEASE_GAP_MS;
    show(still);
  }

  function emit(type: string): void {
    listeners.forEach((tell) => tell(type));
  }

  const report = () => ({ ...swapper.count_(), version, reason, beat_ms: beatMs, took_ms: tookMs });

  /**
   * Posts JSON. Gives the answer ({} for none, or when nobody will hear one); rejects on every status but 2xx
   * and on a dead network. `parting` requests outlive the page and need not be answered.
   */
  async function post(path: string, about: object, more: object, parting?: boolean): Promise<any> {
    const ids: Record<string, string> = {};
    if (consent === "granted") {
      cookies()?.replace(/\b(_ga\w*|_gcl_\w+|_fb[cp])=([^;]{1,256})/g, (_, id: string, value: string) => (ids[id] = value));
    }
    // Analytics often come after us: what they call the visitor is told with the next news.
    if (path === "signal" && toldIds !== JSON.stringify(ids)) news = true;
    toldIds = JSON.stringify(ids);
    // A string goes as text/plain, for which the browser asks no preflight.
    const body = JSON.stringify({
      v: 1,
      tag: key,
      visitor: visitor || null,
      session: session || null,
      page: { id: pageId, seq: ++seq, url: location.href, ...about },
      ids,
      custom,
      preview: options.preview,
      ...more,
    });
    const url = `${endpoint}/v1/${path}`;
    // Before Firefox 133 fetch has no keepalive, so a beacon first. It is missing or false where it is blocked or full.
    if (parting && navigator.sendBeacon?.(url, body)) return {};
    const answer = await fetch(url, {
      method: "POST",
      body,
      credentials: options.cookie ? "include" : "omit",
      keepalive: path === "signal",
    });
    if (!answer.ok) throw 0;
    return answer.status === 204 ? {} : answer.json();
  }

  async function signal(type: SignalType, named = leases()): Promise<void> {
    if (type !== "view" && type !== "set" && !named[0]) return;
    const sent = Date.now();
    const about = leased;
    const mine = epoch;
    const goesBy = beatMs; // the answer speaks of this beat, whatever another answer says meanwhile
    if (type === "leave") {
      // From here on the server keeps the number for a shorter time, whether or not we hear that it got this.
      protectedUntil = Math.min(protectedUntil, sent + holdMs);
      keep();
    } else remember();
    try {
      const { ended, beat_ms } = await post(
        "signal",
        { ...report(), idle: sent - movedAt > IDLE_MS },
        { signals: named[0] ? named.map((lease) => ({ type, lease })) : [{ type }] },
        type === "leave" || type === "tap",
      );
      // A tap names one lease: its answer says nothing of the page's others.
      if (about !== leased || mine !== epoch || type === "tap") return;
      beatMs = beat_ms || goesBy;
      beatAt = sent + beatMs;
      protectedUntil = sent + 1.5 * beatMs + holdMs;
      keep();
      if (ended) {
        for (const target in leased) if (ended.includes(leased[target]!.lease)) delete leased[target];
        end({ ...leased });
      }
    } catch {
      // not heard: the protected time runs out by itself
    }
  }

  async function lease(): Promise<void> {
    const numbers = [...swapper.found_];
    leaseAt = Infinity;
    asked = numbers.length;
    if (!asked) {
      show(leased); // perhaps his last page's: they are still his
      signal("view");
      return;
    }
    const sent = (askedAt = Date.now());
    const mine = epoch;
    asking = true;
    // Another page of the visitor may have said more. An old session is over.
    const stored = consent === "granted" && (valueOf(name, cookies()) || readLocal(name));
    let at;
    [visitor, session, at] = (stored || remembered).split(".");
    if (!(Date.now() - +at! < SESSION_MS)) session = "";
    if (!session) news = false; // a session begins with what is told here
    try {
      const answer = await post(
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
      );
      failures = 0;
      if (mine !== epoch) leaseAt = 0; // too late; a page that comes back asks again
      else {
        const numbers: Numbers = answer.numbers;
        const given = Object.entries(numbers); // throws first where the answer makes no sense
        ({ visitor, session, beat_ms: beatMs, hold_ms: holdMs } = answer);
        remember();
        reason = null;
        given.forEach(([target, one]) => {
          if (one.number) return;
          delete numbers[target];
          reason = one.reason;
          if (one.retry_ms) leaseAt = Date.now() + one.retry_ms;
        });
        beatAt = sent + beatMs;
        protectedUntil = sent + 1.5 * beatMs; // a lease that never signalled has no hold
        if (isOver(Date.now())) end(); // the answer slept on the way
        else show(numbers);
        emit("lease");
        signal("view");
      }
    } catch {
      reason = "failed";
      leaseAt = Date.now() + FAILED_RETRY_MS * ++failures;
      show(leased);
    }
    asking = false;
    sync();
  }

  const sync = safely(() => {
    const now = Date.now();
    const visible = !away && !document.hidden;
    // The visitor's word, or a clock that was set back, so that no moment of before counts: begin anew.
    if (consent !== (consent = readConsent(told, options)) || now < lookedAt) {
      if (consent !== "granted") write(name, "");
      remembered = visitor = session = "";
      leaseAt = 0;
      epoch++;
      show({});
    }
    if (leases()[0] && isOver(now)) end();
    lookedAt = now;
    if (visible !== active) {
      if (visible) beatAt = 0;
      else signal("hide");
    }
    active = visible;
    if (address !== (address = location.pathname + location.search) && asked >= 0) signal(location.search ? "set" : "view");
    if (news && session) {
      signal("set");
      news = false;
    }
    if (visible && now - movedAt < ASLEEP_MS) {
      if (now >= beatAt) {
        beatAt = now + beatMs;
        signal("beat");
      }
      const due = !(now < leaseAt) || swapper.found_.size > asked;
      if (ready && due && !asking && !(consent === "unknown" && options.wait)) lease();
    }
    if (!asking && asked === swapper.found_.size) waiting.splice(0).forEach((tell) => tell());
  });

  function leave(): void {
    signal("leave");
    epoch++;
    // Unloading hides the page after pagehide (HTML, "unload a document"); that must not undo the leave.
    away = true;
    active = false;
  }

  const handle = safely(({ type, target }: Event) => {
    movedAt = Date.now();
    const link = /k$|down/.test(type) && (target as Element).closest<HTMLAnchorElement>("a[href]");
    if (link) {
      const tapped = leased[swapper.targetOf_(link)!]?.lease;
      if (type === "click" && tapped) signal("tap", [tapped]);
      if (visitor && options.domains?.includes(link.hostname) && !valueOf("_dni", link.search)) {
        remember();
        link.search += `${link.search && "&"}_dni=${remembered}`;
      }
    }
    if (type === "pagehide") leave();
    else away = undone;
    if (/page|change/.test(type)) sync();
  });

  if (consent === "granted") {
    // Linked from a site of the same owner: the visitor is who he was there.
    const brought = valueOf("_dni", location.search);
    if (brought) {
      if (Date.now() - +brought.split(".")[2]! < LINK_MS) write(name, brought);
      // Whoever is sent this address is somebody else.
      history.replaceState(history.state, "", location.href.replace(/[?&]_dni=[\w.-]*(?=#|$)|_dni=[\w.-]*&/, ""));
    }
    safely(() => {
      [leased, lookedAt, protectedUntil, beatMs, holdMs] = JSON.parse(readLocal(name + "_")!);
      beatAt = Date.now() + beatMs;
      if (isOver(Date.now())) leased = {};
      else if (!hydrates()) show(leased);
    })();
  }
  // Capturing, so that no handler of the page can keep a tap from us.
  for (const type of "visibilitychange,pageshow,pagehide,click,pointerdown,pointermove,scroll,keydown".split(",")) {
    addEventListener(type, handle, true);
  }
  setInterval(sync, TICK_MS);

  const begin = safely((late?: unknown) => {
    if (late !== true && hydrates()) {
      setTimeout(begin, HYDRATION_MS, document.readyState === "complete");
      return;
    }
    const before = performance.now();
    ready = true;
    swapper.show_(leased);
    tookMs = performance.now() - before;
    sync();
  });
  // After the page's queued calls were heard.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else setTimeout(begin);

  return {
    restore() {
      leave();
      undone = true;
      show({});
      swapper.stop_();
    },
    number(target, tell) {
      if (!targets.some(([e164]) => e164 === target)) return;
      swapper.found_.add(target);
      const said = new Promise<Said>((resolve) =>
        waiting.push(() => resolve(leased[target] || { number: target, national: target })),
      );
      said.then(safely(tell!));
      sync();
      return said;
    },
    set(fields) {
      Object.assign(custom, fields);
      news = true;
      setTimeout(sync, 99); // several at once are told at once
    },
    on(type, listener) {
      listeners.push(safely((now) => now === type && listener(leased)));
    },
    consent(said) {
      told = said;
      sync();
    },
    state: () => ({ ...report(), consent, session, numbers: leased, until: protectedUntil }),
  };
}
