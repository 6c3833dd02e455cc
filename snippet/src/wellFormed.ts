/** A title without halves of surrogate pairs (an emoji cut in the middle): they are not valid in JSON. */
export function wellFormed(title: string): string {
  return title.slice(0, 256).replace(/[\ud800-\udfff]/gu, "");
}
