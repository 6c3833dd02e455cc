/** An id from the server if a cookie can hold it, else null. */
export function checkId(value: unknown): string | null {
  return typeof value === "string" && /^[\w-]+$/.test(value) ? value : null;
}
