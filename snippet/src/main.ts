import type { Config } from "./config";
import { loadScript } from "./loadScript";
import { runPage, type Tag } from "./runPage";
import { safely } from "./safely";

declare const DNI_CONFIG: Config;

type Api = Record<string, (...args: unknown[]) => unknown>;

declare global {
  interface Window {
    /** The tags of this page by their keys. */
    __dni?: Record<string, Tag | undefined>;
    dni?: unknown;
  }
}

safely(() => {
  const config = DNI_CONFIG;
  const [key, endpoint, , , options] = config;
  const [, preview] = /[?&]dni_preview=([\w-]+)/.exec(location.search) || [];
  const tags = (window.__dni = window.__dni || {});
  if (preview && !options.preview && !tags[key]) return loadScript(`${endpoint}/t/${key}.js?preview=${preview}`);
  if (tags[key]) return; // a second copy of the same tag
  tags[key] = runPage(config);

  // An element with id="dni" (Spain's identity card, a usual form field) is window.dni to the page's own scripts.
  const queue = window.dni;
  if (!queue || Array.isArray(queue)) {
    const api: Api = {};
    ["restore", "number", "set", "on", "consent"].forEach((name) => {
      // Twice: what two tags changed in one text is undone by the last of them first.
      api[name] = safely((...args) =>
        [...Object.values(tags), ...(name === "restore" ? Object.values(tags) : [])]
          .map((tag) => (tag as unknown as Api)[name]!(...args))
          .find(Boolean) ?? Promise.resolve({ number: args[0], national: args[0] }),
      );
    });
    api.push = safely((call) => {
      const [name, ...args] = call as [string, ...unknown[]];
      return api[name]!(...args);
    });
    window.dni = api;
    ((queue as unknown[]) || []).forEach(api.push);
  }
  if (/[?&]dni_debug=1/.test(location.search)) loadScript(endpoint + "/t/debug.js");
})();
