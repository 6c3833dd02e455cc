// Builds src/main.ts into ../static/tag.js. With --check it writes nothing and fails if the committed file is another
// one or if the tag is over its size.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGET_BYTES = 4000; // gzip -9, without a tag's own configuration

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const output = path("../static/tag.js");

const result = await build({
  entryPoints: [path("src/main.ts")],
  bundle: true,
  write: false,
  format: "iife",
  target: "es2018",
  charset: "ascii", // pages in any encoding read the same bytes
  minify: true,
  legalComments: "none",
  tsconfigRaw: {}, // a module is strict for the type checker; "use strict" inside the server's wrapping would say nothing
  logLevel: "warning",
});
const built = result.outputFiles[0].contents;
const size = gzipSync(built, { level: 9 }).length;

if (!process.argv.includes("--check")) {
  mkdirSync(path("../static"), { recursive: true });
  writeFileSync(output, built);
} else if (!existsSync(output) || !readFileSync(output).equals(built)) {
  console.error("static/tag.js is not what snippet/src builds to: run `npm run build`");
  process.exitCode = 1;
}
console.log(`static/tag.js: ${built.length} bytes, ${size} gzip -9, of ${BUDGET_BYTES}`);
if (size > BUDGET_BYTES) {
  console.error("the tag is over its size");
  process.exitCode = 1;
}
