/** A number printed on the page that may be swapped: E.164, its country code, and how pages write it (dni/tag/pattern.py). */
export type Target = readonly [e164: string, country: string, pattern: string, ...more: unknown[]];

export type Consent = "granted" | "denied" | "unknown";

/** What differs from the usual; every one may be missing. */
export interface Options {
  /** Attributes in which targets are swapped, beside links. */
  readonly attributes?: readonly string[];
  /** What matches shows the number of that target, whatever it says. */
  readonly selectors?: readonly (readonly [css: string, e164: string])[];
  /** Sites that a visitor is followed to by a link. */
  readonly domains?: readonly string[];
  /** Until the page or the browser says otherwise; granted when missing. */
  readonly consent?: Consent;
  /** While consent is unknown, ask for nothing; when missing, go on without storage. */
  readonly wait?: 1;
  /** The service is a host of the page's own site and knows the visitor by its cookie. */
  readonly cookie?: 1;
  /** The first swap comes after `load`. */
  readonly hydrate?: 1;
  /** The token of a draft that is looked at. */
  readonly preview?: string;
}

/**
 * What the server writes in front of the built tag; positions instead of names, because they cost bytes. `endpoint` is
 * scheme and host of the service.
 */
export type Config = readonly [
  key: string,
  endpoint: string,
  version: string,
  targets: readonly Target[],
  options: Options,
];
