/**
 * Domains to try for a cookie on `host`, widest first; "" (this host only) is last. A browser silently refuses a public
 * suffix such as co.uk, and any domain on an IP address or a single label.
 */
export function cookieDomains(host: string): string[] {
  const labels = host.split(".");
  const wider = /\.\d+$|:/.test(host) ? [] : labels.slice(1).map((_, index) => labels.slice(-2 - index).join("."));
  return [...wider, ""];
}
