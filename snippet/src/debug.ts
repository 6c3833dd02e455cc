// Loaded by the tag where the page's address says `dni_debug=1`: a panel that shows what each tag does, as it does it.
import type { Tag } from "./runPage";

type State = Record<string, unknown> & { numbers: Record<string, { number: string; kind: string }> };

const page = window as unknown as { __dni: Record<string, Tag> };

/** Rows of the panel for one tag. */
function rows(key: string, tag: Tag): [string, string][] {
  const { numbers, found, swapped, reverted, version, reason, consent, session, beat_ms, until } = tag.state() as State;
  const left = Math.round(((until as number) - Date.now()) / 1000);
  const shown = Object.entries(numbers).map(([target, { number, kind }]) => `${target} → ${number} (${kind})`);
  return [
    ["tag", `${key}, version ${version}`],
    ["numbers", `${found} found, ${swapped} swapped, ${reverted} put back by the page`],
    ["shown", shown.join("; ") || "the page's own"],
    ["why not", `${reason || (found ? "-" : "no target is on this page")}`],
    ["consent", `${consent}`],
    ["session", `${session || "none"}`],
    ["beat", beat_ms ? `every ${(beat_ms as number) / 1000} s` : "-"],
    ["surely ours", isFinite(left) ? `for ${left} s` : "-"],
  ];
}

const host = document.createElement("div");
host.setAttribute("data-dni", "off");
const root = host.attachShadow({ mode: "closed" });
const panel = document.createElement("section");
panel.setAttribute("aria-label", "dni");
// Property by property: a strict policy forbids style attributes and elements, not this.
Object.assign(panel.style, {
  position: "fixed",
  right: "8px",
  bottom: "8px",
  zIndex: "2147483647",
  maxWidth: "min(30rem, calc(100vw - 16px))",
  boxSizing: "border-box",
  padding: "8px 12px",
  overflowWrap: "anywhere",
  border: "1px solid #456",
  borderRadius: "6px",
  background: "#fff",
  color: "#123",
  font: "13px/1.5 system-ui, sans-serif",
  boxShadow: "0 2px 12px #0004",
});
root.append(panel);
document.body.append(host);

function draw(): void {
  const list = document.createElement("dl");
  list.style.margin = "0";
  Object.entries(page.__dni).forEach(([key, tag]) =>
    rows(key, tag).forEach(([name, value]) => {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      Object.assign(term.style, { float: "left", clear: "left", width: "6.5em", fontWeight: "600" });
      Object.assign(said.style, { margin: "0 0 0 7em" });
      term.textContent = name;
      said.textContent = value;
      list.append(term, said);
    }),
  );
  panel.replaceChildren(list);
}

try {
  draw();
  setInterval(draw, 1000);
} catch {
  host.remove();
}
