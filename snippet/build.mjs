// Builds src/ into ../static: the tag, and what few pages load beside it. With --check it writes nothing and fails if a
// committed file is another one or if the tag is over its size.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const BUDGET_BYTES = 6250; // gzip -9, without a tag's own configuration; we aim at 4000, and are not there
const BUILT = { main: "tag.js", debug: "debug.js", tcf: "tcf.js" };

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

for (const [entry, name] of Object.entries(BUILT)) {
  const bundled = await build({
    entryPoints: [path(`src/${entry}.ts`)],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2020",
    minifySyntax: true,
    tsconfigRaw: {}, // a module is strict for the type checker; "use strict" inside the server's wrapping would say nothing
    logLevel: "warning",
  });
  // esbuild inlines no function; that and shorter names of our own properties (those that end in _) save a tenth.
  const { code } = await minify(bundled.outputFiles[0].text, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 5, unsafe: true, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
    mangle: { properties: { regex: /_$/ } },
    format: { ascii_only: true }, // pages in any encoding read the same bytes
  });
  // One word for both saves 30 bytes; the type checker has seen to it that no constant is written.
  const built = Buffer.from(code.replace(/\bconst\b/g, "let"));
  const output = path(`../static/${name}`);
  if (!process.argv.includes("--check")) {
    mkdirSync(path("../static"), { recursive: true });
    writeFileSync(output, built);
  } else if (!existsSync(output) || !readFileSync(output).equals(built)) {
    console.error(`static/${name} is not what snippet/src builds to: run \`npm run build\``);
    process.exitCode = 1;
  }
  const size = gzipSync(built, { level: 9 }).length;
  console.log(`static/${name}: ${built.length} bytes, ${size} gzip -9${entry === "main" ? `, of ${BUDGET_BYTES}` : ""}`);
  if (entry === "main" && size > BUDGET_BYTES) {
    console.error("the tag is over its size");
    process.exitCode = 1;
  }
}
