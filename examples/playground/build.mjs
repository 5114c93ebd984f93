// Builds the page: `node examples/playground/build.mjs DIRECTORY`. Everything that it loads lies in that directory.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parse } from "yaml";

const root = new URL("../..", import.meta.url).pathname;
const out = resolve(process.argv[2]);

/** Policies to begin with: title and directory. */
const EXAMPLES = [
  ["A small team", "examples/policies/team"],
  ["An enterprise", "examples/policies/enterprise"],
  ["A bank", "examples/policies/bank"],
  ["The demo's code host", "examples/demo/policy"],
];

/** The questions of a `*.test.yaml`, as the policy's own tests ask them. */
function questions(text) {
  const suite = parse(text);
  const named = (table, value) => (typeof value === "string" ? (suite[table]?.[value] ?? { id: value }) : value);
  return suite.tests.map(({ name, expect, subject, actors = [], consent, now = suite.now, ...rest }) => ({
    name,
    query: {
      subject: named("subjects", subject),
      actors: actors.map((actor) => named("actors", actor)),
      ...(consent && { consent: named("consents", consent) }),
      ...rest,
      now,
    },
  }));
}

async function examples() {
  const made = [];
  for (const [title, directory] of EXAMPLES) {
    const names = (await readdir(join(root, directory))).filter((name) => name.endsWith(".yaml")).sort();
    const [files, cases] = [[], []];
    for (const name of names) {
      const text = await readFile(join(root, directory, name), "utf8");
      if (name.endsWith(".test.yaml")) cases.push(...questions(text));
      else files.push({ name, text });
    }
    made.push({ title, files, cases });
  }
  return made;
}

const provided = {
  name: "examples",
  setup(builder) {
    builder.onResolve({ filter: /^toolward:examples$/ }, () => ({ path: "examples", namespace: "toolward" }));
    builder.onLoad({ filter: /.*/, namespace: "toolward" }, async () => ({ contents: JSON.stringify(await examples()), loader: "json" }));
  },
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  absWorkingDir: join(root, "examples/playground"),
  entryPoints: ["src/main.js", "src/worker.js"],
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
  alias: { "@toolward/policy": join(root, "dist/npm/browser.js") },
  plugins: [provided],
});
for (const name of ["index.html", "style.css", "icon.svg"]) await copyFile(join(root, "examples/playground", name), join(out, name));
await copyFile(join(root, "dist/npm/engine_bg.wasm"), join(out, "engine_bg.wasm"));
