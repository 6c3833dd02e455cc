import { readCookie } from "./readCookie";
import { safely } from "./safely";

/** One remembered string, "" at first. */
export interface Store {
  read(): string;
  write(value: string): void;
}

/** localStorage throws on sight when the visitor blocks site data. */
export const readLocal = safely((name: string) => localStorage.getItem(name));
/** "" removes it. */
export const writeLocal = safely((name: string, value: string) =>
  value ? localStorage.setItem(name, value) : localStorage.removeItem(name),
);

/**
 * Remembers in a first-party cookie on the widest domain that takes it, else in localStorage, else (or while not
 * `lasting`) for this page view only. "" is forgetting.
 */
export function makeStore(name: string, lasting: () => boolean): Store {
  let memory = "";
  const cookie = safely(readCookie); // throws in a sandboxed frame
  // A browser silently refuses what is no domain of ours, such as co.uk: it shows only in reading back.
  const setCookie = safely((value: string) =>
    location.hostname.split(".").some((_, index, labels) => {
      // 400 days: Chrome cuts longer ones to that.
      document.cookie = `${name}=${value};path=/;max-age=${value ? 34560000 : 0};samesite=lax${
        location.protocol === "https:" ? ";secure" : ""
      };domain=${labels.slice(~index).join(".")}`;
      return cookie(name) === value;
    }),
  );
  return {
    read: () => (lasting() && (cookie(name) || readLocal(name))) || memory,
    write(value) {
      memory = value;
      if (lasting() || !value) setCookie(value) || writeLocal(name, value);
    },
  };
}
