/** What a lease tells about the browser and where the visitor came from, beside ids and numbers. */
export function pageFacts() {
  return {
    referrer: document.referrer,
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    lang: navigator.language,
  };
}
