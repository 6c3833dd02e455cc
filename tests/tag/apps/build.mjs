// Builds each app into dist/NAME.js, for browsers, and dist/NAME.html: what its server would render.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "svelte/compiler";
// The tag's own build brings esbuild.
import { build } from "../../../snippet/node_modules/esbuild/lib/main.js";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const svelte = (generate) => ({
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, ({ path: filename }) => ({
      contents: compile(readFileSync(filename, "utf8"), { filename, generate, dev: true }).js.code,
    }));
  },
});

const common = {
  bundle: true,
  charset: "ascii",
  jsx: "automatic",
  logLevel: "warning",
  // What differs from the server's HTML at hydration goes to the console, in as many words as there are.
  define: {
    "process.env.NODE_ENV": '"development"',
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true",
  },
};

async function app(name, source, options = {}) {
  await build({
    ...common,
    ...options,
    entryPoints: [path(`src/${source}`)],
    outfile: path(`dist/${name}.js`),
    format: "esm",
    plugins: [svelte("client")],
    conditions: ["browser", "development"],
  });
}

async function page(name, source, options = {}) {
  const outfile = path(`dist/${name}.server.mjs`);
  await build({
    ...common,
    ...options,
    entryPoints: [path(`src/${source}`)],
    outfile,
    platform: "node",
    format: "esm",
    // Libraries made for CommonJS ask for node's own modules.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    plugins: [svelte("server")],
    conditions: ["development"],
  });
  writeFileSync(path(`dist/${name}.html`), (await import(outfile)).html);
}

mkdirSync(path("dist"), { recursive: true });
const react19 = { alias: { react: "react-19", "react-dom": "react-dom-19" } };
const vue = { alias: { vue: "vue/dist/vue.esm-bundler.js" } };
await Promise.all([
  app("react18", "react.jsx"),
  app("react19", "react.jsx", react19),
  app("vue", "vue.js", vue),
  app("svelte", "svelte.js"),
  app("router", "router.js"),
  page("react18", "react.server.jsx"),
  page("react19", "react.server.jsx", react19),
  page("vue", "vue.server.js"),
  page("svelte", "svelte.server.js"),
]);
