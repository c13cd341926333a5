// Lets a second bundle use the modules of the first: what both need is in the page once.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

const IMPORT = /^import (type )?\{([^}]*)\} from "([^"]+)";$/gm;
/** These are imported by the compiler, and stand in no source. */
const JSX = { path: /preact[\\/]jsx-runtime/, names: ["Fragment", "jsx", "jsxs"] };

/** Which names of the first bundle's modules the second one imports, in an order of their own. */
export class Shared {
  /** `first`: the modules of the first bundle, from `folder`. */
  constructor(folder, first) {
    this.folder = folder;
    this.first = new Set(first);
    this.names = new Map();
  }

  get list() {
    return [...this.names].sort().flatMap(([path, names]) => [...names].sort().map((name) => ({ path, name })));
  }

  /** The bundles of two builds do not fit together, and do not meet. */
  get key() {
    return `designer_${createHash("sha256").update(JSON.stringify(this.list)).digest("hex").slice(0, 8)}`;
  }

  note(path, importer, from) {
    const names = this.names.get(path) ?? this.names.set(path, new Set()).get(path);
    if (JSX.path.test(path)) JSX.names.forEach((name) => names.add(name));
    for (const [, isType, list, source] of readFileSync(importer, "utf8").matchAll(IMPORT)) {
      if (isType || source !== from) continue;
      const words = list.split(",").map((word) => word.trim()).filter((word) => word && !word.startsWith("type "));
      words.forEach((word) => names.add(word.split(" as ")[0]));
    }
  }

  /** For the second bundle: only tells what it imports. */
  get collector() {
    return this.plugin(() => "module.exports = {};");
  }

  /** For the second bundle: takes the modules out of the page. */
  get taker() {
    return this.plugin((path) => {
      const lines = this.list.map((row, place) => (row.path === path ? `export const ${row.name} = shared[${place}];` : ""));
      return `const shared = globalThis.${this.key};\n${lines.filter(Boolean).join("\n")}`;
    });
  }

  plugin(contentsOf) {
    const shared = this;
    return {
      name: "shared",
      setup(build) {
        build.onResolve({ filter: /.*/ }, async (args) => {
          if (args.pluginData === shared || args.kind !== "import-statement") return undefined;
          const { importer, resolveDir, kind } = args;
          const { path } = await build.resolve(args.path, { importer, resolveDir, kind, pluginData: shared });
          const place = relative(shared.folder, path).replaceAll("\\", "/");
          if (!shared.first.has(place)) return undefined;
          shared.note(place, importer, args.path);
          return { path: place, namespace: "shared" };
        });
        build.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({ contents: contentsOf(path) }));
      },
    };
  }

  /** For the first bundle: puts them there, before its entry is run. */
  giver(entry) {
    const shared = this;
    return {
      name: "giver",
      setup(build) {
        build.onLoad({ filter: entry }, ({ path }) => {
          const imports = shared.list.map(({ path: from, name }, place) => `import { ${name} as shared${place} } from "${join(shared.folder, from)}";`);
          const values = shared.list.map((_, place) => `shared${place}`).join(", ");
          return { loader: "tsx", contents: `${imports.join("\n")}\nglobalThis.${shared.key} = [${values}];\n${readFileSync(path, "utf8")}` };
        });
      },
    };
  }
}
