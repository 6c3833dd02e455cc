import { cookieDomains } from "./cookieDomains";
import { readCookie } from "./readCookie";

/** Sets a cookie on the widest domain that takes it; says whether any did. A refusal shows only in reading back. */
export function writeCookie(name: string, value: string): boolean {
  const secure = location.protocol === "https:" ? ";secure" : "";
  return cookieDomains(location.hostname).some((domain) => {
    // 400 days: Chrome cuts longer ones to that.
    document.cookie = `${name}=${value};path=/;max-age=34560000;samesite=lax${secure};domain=${domain}`;
    return readCookie(name) === value;
  });
}
