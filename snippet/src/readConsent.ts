import type { Consent, Options } from "./config";

/**
 * What the visitor has allowed: Global Privacy Control before all, then what the page told us, then Google's Consent
 * Mode (the newest word on `ad_storage` in its data layer), then unknown while a TCF platform is about to say it.
 * Sources: W3C GPC; Google, "Set up consent mode"; IAB TCF v2.2 CMP API.
 */
export function readConsent(told: Consent | undefined, options: Options): Consent {
  const page = window as { dataLayer?: (ArrayLike<unknown> | null)[]; __tcfapi?: unknown };
  let mode: unknown;
  for (const entry of page.dataLayer || []) {
    const { ad_storage, region } = (entry?.[0] === "consent" && (entry[2] as Record<string, unknown>)) || {};
    if (ad_storage && !region) mode = ad_storage;
  }
  if ((navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl) return "denied";
  return told || (mode as Consent) || (page.__tcfapi ? "unknown" : options.consent || "granted");
}
