import type { Config } from "./config";
import { valueOf } from "./makeStore";
import { runPage, type Tag } from "./runPage";
import { safely } from "./safely";

declare const DNI_CONFIG: Config;

type Api = Record<string, (...args: unknown[]) => unknown>;

declare global {
  interface Window {
    /** The tags of this page by their keys. */
    __dni?: Record<string, Tag | undefined>;
    __tcfapi?: unknown;
    dni?: unknown;
  }
}

safely(() => {
  const config = DNI_CONFIG;
  const [key, endpoint, , , options] = config;
  const tags = (window.__dni = window.__dni || {});
  if (tags[key]) return; // a second copy of the same tag

  /** Adds a script of the service to the page: for what few pages need. */
  const load = (file: string): void => {
    const script = document.createElement("script");
    script.src = `${endpoint}/t/${file}`;
    document.head.append(script);
  };
  const asked = (name: string): string => valueOf("dni_" + name, location.search);
  if (asked("preview") && !options.preview) return load(`${key}.js?preview=${asked("preview")}`);
  const tag = (tags[key] = runPage(config));

  // An element with id="dni" (Spain's identity card, a usual form field) is window.dni to the page's own scripts.
  const queue = window.dni;
  if (!queue || Array.isArray(queue)) {
    const api: Api = {};
    Object.keys(tag).forEach((name) => {
      api[name] = safely((...args) =>
        Object.values(tags)
          .map((tag) => (tag as unknown as Api)[name]!(...args))
          .find(Boolean) ?? Promise.resolve({ number: args[0], national: args[0] }),
      );
    });
    const push = safely(([name, ...args]: [string, ...unknown[]]) => api[name]!(...args));
    api.push = push as Api[string];
    window.dni = api;
    ((queue as unknown[]) || []).forEach(api.push);
  }
  if (window.__tcfapi) load("tcf.js");
  if (asked("debug")) load("debug.js");
})();
