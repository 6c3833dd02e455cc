import { safely } from "./safely";

/** localStorage throws on sight when the visitor blocks site data. */
export const readLocal = safely((name: string): string | undefined => localStorage[name]);
/** Nothing removes it. */
export const writeLocal = safely((name: string, value?: string | false) => {
  if (value) localStorage[name] = value;
  else delete localStorage[name];
});

/** All cookies of the page, as one text. Reading throws in a sandboxed frame. */
export const cookies = safely(() => document.cookie);

/** The value of `name=…` in a text of such pairs, or "": cookies, a query. */
export function valueOf(name: string, text: string | undefined): string {
  return RegExp(`\\b${name}=([\\w.-]+)`).exec(text!)?.[1] || "";
}

// A browser silently refuses what is no domain of ours, such as co.uk: it shows only in reading back.
const setCookie = safely((name: string, value: string) =>
  location.hostname.split(".").some((_, index, labels) => {
    // 400 days: Chrome cuts longer ones to that.
    document.cookie = `${name}=${value};path=/;max-age=${value ? 34560000 : 0};samesite=lax${
      isSecureContext ? ";secure" : ""
    };domain=${labels.slice(~index).join(".")}`;
    return valueOf(name, cookies()) === value;
  }),
);

/** Remembers in a first-party cookie on the widest domain that takes it, else in localStorage. "" is forgetting. */
export function write(name: string, value: string): void {
  if (!setCookie(name, value) || !value) writeLocal(name, value);
}
