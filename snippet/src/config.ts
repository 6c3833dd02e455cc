/** What the server writes in front of the built tag. */
export interface Config {
  /** The tag's public key, of [A-Za-z0-9_-]. */
  readonly key: string;
  /** Where requests go, "https://HOST" without a slash at the end; "" means the host that served this script. */
  readonly endpoint: string;
  readonly version: string;
  /** Numbers printed on the page that may be swapped, E.164. */
  readonly targets: readonly string[];
  readonly consent: "granted" | "denied" | "unknown";
}
