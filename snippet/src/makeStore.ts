import { readCookie } from "./readCookie";
import { safely } from "./safely";
import { writeCookie } from "./writeCookie";

/** One remembered string, "" at first. */
export interface Store {
  read(): string;
  write(value: string): void;
}

/**
 * Remembers in a first-party cookie, else in localStorage, else (or when not `lasting`) for this page view only.
 * Both stores may throw on sight: document.cookie in a sandboxed frame, localStorage when the visitor blocks site data.
 */
export function makeStore(name: string, lasting: boolean): Store {
  let memory = "";
  const read = (): string =>
    (lasting && (safely(readCookie)(name) || safely(() => localStorage.getItem(name))())) || memory;
  return {
    read,
    write(value) {
      if (lasting && !safely(writeCookie)(name, value)) safely(() => localStorage.setItem(name, value))();
      if (read() !== value) memory = value;
    },
  };
}
