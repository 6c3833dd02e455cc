import type { Config } from "./config";
import { runPage } from "./runPage";
import { safely } from "./safely";
import { whenParsed } from "./whenParsed";

declare const DNI_CONFIG: Config;

declare global {
  interface Window {
    /** By tag key: undoes what that tag did. */
    __dni?: Record<string, () => void>;
    dni?: { restore(): void };
  }
}

safely(() => {
  const config = DNI_CONFIG;
  // document.currentScript is null after this first task.
  const script = document.currentScript as HTMLScriptElement | null;
  const endpoint = config.endpoint || new URL(script!.src).origin;

  const tags = (window.__dni = window.__dni || {});
  if (tags[config.key]) return; // a second copy of the same tag
  tags[config.key] = () => {};

  whenParsed(
    safely(() => {
      tags[config.key] = runPage(config, endpoint);
      // An element with id="dni" (Spain's identity card, a usual form field) is window.dni to the page's own scripts.
      if (!("dni" in window)) window.dni = { restore: safely(() => Object.values(tags).forEach((undo) => undo())) };
    }),
  );
})();
