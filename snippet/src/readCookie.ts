/** The value of a cookie, or "". */
export function readCookie(name: string): string {
  const [, rest = ""] = ("; " + document.cookie).split(`; ${name}=`);
  return rest.split(";")[0]!;
}
