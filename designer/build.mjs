// Builds the island into ../static/designer, the same bytes on every machine.
//   node build.mjs            writes the bundles
//   node build.mjs --check    builds anew, compares with what is committed, and looks at the sizes
//   node build.mjs --tests    bundles the tests for `node --test`
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Shared } from "./shared.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../static/designer");

/** Compressed, as browsers fetch them. */
const MOST_BYTES = { "designer.js": 110_000, "designer-panels.js": 30_000, "json-editor.js": 115_000, "designer.css": 8_000 };

// @xyflow/react is written for React; Preact is a third of its size.
const alias = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react/jsx-runtime": "preact/jsx-runtime",
};

/**
 * What is never used and that no bundler can tell: components that are made by a call, and transitions
 * of attributes, styles and colours (the canvas has transitions of its view alone).
 */
const leaner = {
  name: "leaner",
  setup({ onLoad }) {
    onLoad({ filter: /@xyflow[\\/]react[\\/]dist[\\/]esm[\\/]index\.m?js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8")
        .replace(/^(const [\w$]+ = )(memo|fixedForwardRef|forwardRef|create\w+Edge)\(/gm, "$1/* @__PURE__ */ $2(")
        .replace(/^[\w$]+\.displayName = .*$/gm, ""),
    }));
    onLoad({ filter: /d3-transition[\\/]dist[\\/]d3-transition\.mjs$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/^ {2}(attr|style|text)(Tween)?: transition_\w+,$/gm, ""),
    }));
    onLoad({ filter: /d3-color[\\/]dist[\\/]d3-color\.mjs$/ }, () => ({
      contents: "export const color = () => null; export { color as rgb, color as hsl, color as hcl, color as lab, color as cubehelix };",
    }));
  },
};

const common = {
  absWorkingDir: here,
  alias,
  bundle: true,
  charset: "utf8",
  define: { "process.env.NODE_ENV": '"production"' },
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  minify: true,
  target: ["es2022"],
  write: false,
};

const bundle = (name, entry, format, ...plugins) =>
  build({ ...common, entryPoints: { [name]: entry }, format, outdir: target, plugins: [leaner, ...plugins] });

async function outputs() {
  const alone = await bundle("designer", "src/main.tsx", "iife");
  const shared = new Shared(here, Object.keys(alone.metafile.inputs));
  // The first time tells what is shared.
  await bundle("designer-panels", "src/panels.ts", "esm", shared.collector);
  const bundles = await Promise.all([
    bundle("designer", "src/main.tsx", "iife", shared.giver(/src[\\/]main\.tsx$/)),
    bundle("designer-panels", "src/panels.ts", "esm", shared.taker),
    bundle("json-editor", "src/editor/json-editor.ts", "esm"),
  ]);
  const files = new Map();
  for (const file of bundles.flatMap(({ outputFiles }) => outputFiles)) files.set(relative(target, file.path), file.text);
  files.set("LICENSES.txt", licences(bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs))));
  return files;
}

/** What is too large, as sentences. */
function tooLarge(files) {
  return Object.entries(MOST_BYTES).flatMap(([name, most]) => {
    const bytes = gzipSync(files.get(name) ?? "", { level: 9 }).length;
    return bytes > most ? [`${name} has ${bytes} bytes compressed; ${most} are allowed.`] : [];
  });
}

/** The licence of every package that is part of a bundle. */
function licences(inputs) {
  const names = new Set();
  for (const path of inputs) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match) names.add(match[1]);
  }
  const parts = [...names].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).sort().find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
    return `${about.name} ${about.version} (${about.license})\n\n${text}\n`;
  });
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

async function check() {
  const differing = [];
  const files = await outputs();
  for (const [name, text] of files) {
    const path = join(target, name);
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) differing.push(name);
  }
  if (differing.length) {
    console.error(`static/designer differs from its source: ${differing.join(", ")}. Run make designer.`);
    process.exit(1);
  }
  const sentences = tooLarge(files);
  if (sentences.length) {
    console.error(sentences.join("\n"));
    process.exit(1);
  }
}

async function tests() {
  const found = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: found.map((name) => `test/${name}`),
    format: "esm",
    minify: false,
    outdir: join(here, ".tests"),
    plugins: [leaner],
    outExtension: { ".js": ".mjs" },
    platform: "node",
    write: true,
  });
}

if (process.argv.includes("--check")) await check();
else if (process.argv.includes("--tests")) await tests();
else {
  mkdirSync(target, { recursive: true });
  for (const [name, text] of await outputs()) writeFileSync(join(target, name), text);
}
