// Copies what others made for the dashboard from node_modules into ../static/dashboard, each file under its licence.
// With --check it writes nothing and fails if a committed file is not what the lock names.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const VENDORED = { uplot: { "dist/uPlot.iife.min.js": "uplot.js", "dist/uPlot.min.css": "uplot.css" } };

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const read = (name, file) => readFileSync(path(`node_modules/${name}/${file}`), "utf8");

for (const [name, files] of Object.entries(VENDORED)) {
  const { version, license, homepage } = JSON.parse(read(name, "package.json"));
  const banner = `/*! ${name} ${version}, ${license}, ${homepage}\n\n${read(name, "LICENSE").trim()}\n*/\n`;
  for (const [from, to] of Object.entries(files)) {
    const output = path(`../static/dashboard/${to}`);
    const whole = banner + read(name, from);
    if (!process.argv.includes("--check")) writeFileSync(output, whole);
    else if (!existsSync(output) || readFileSync(output, "utf8") !== whole) {
      console.error(`static/dashboard/${to} is not that of ${name} ${version}: run \`npm run vendor\``);
      process.exitCode = 1;
    }
    console.log(`static/dashboard/${to}: ${name} ${version}, ${license}, ${whole.length} bytes`);
  }
}
