/** The value of a cookie, or "". */
export function readCookie(name: string): string {
  return ("; " + document.cookie).split(`; ${name}=`)[1]?.split(";")[0] || "";
}
