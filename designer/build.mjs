// Builds the island into ../static/designer, the same bytes on every machine.
//   node build.mjs            writes the bundles
//   node build.mjs --check    builds anew and compares with what is committed
//   node build.mjs --tests    bundles the tests for `node --test`
import { build } from "esbuild";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../static/designer");

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
  plugins: [leaner],
  target: ["es2022"],
  write: false,
};

async function outputs() {
  const [island, editor] = await Promise.all([
    build({ ...common, entryPoints: { designer: "src/main.tsx" }, format: "iife", outdir: target }),
    build({ ...common, entryPoints: { "json-editor": "src/editor/json-editor.ts" }, format: "esm", outdir: target }),
  ]);
  const files = new Map();
  for (const file of [...island.outputFiles, ...editor.outputFiles]) {
    files.set(relative(target, file.path), file.text);
  }
  const inputs = { ...island.metafile.inputs, ...editor.metafile.inputs };
  files.set("LICENSES.txt", licences(Object.keys(inputs)));
  return files;
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
  for (const [name, text] of await outputs()) {
    const path = join(target, name);
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) differing.push(name);
  }
  if (differing.length) {
    console.error(`static/designer differs from its source: ${differing.join(", ")}. Run make designer.`);
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
