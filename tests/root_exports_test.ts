/**
 * Exported names: at most 90 in the root module, no internal types, and no names that only their own folder uses.
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** Maximum number of names that the root module exports. */
const MOST = 90;

/** Internal types of the runtime. */
const INTERNAL = [
  ...[
    "Attribute",
    "Binding",
    "BindingConstants",
    "Capture",
    "EagerCall",
    "EagerCalls",
    "Entry",
    "GraphOutput",
  ],
  ...[
    "GraphValue",
    "HostValues",
    "OpBackend",
    "OpDefinition",
    "OpDefinitions",
    "Pointer",
    "Region",
    "Regions",
  ],
  ...[
    "Runtime",
    "RuntimeOptions",
    "SavedModels",
    "TensorFlowInternals",
    "TensorMetadata",
    "Trace",
    "XlaFlags",
  ],
];

/** Functions and constants that only their own folder uses, each with the reason why users need it. */
const FOR_USERS: Readonly<Record<string, string>> = {
  IdBuffer: "argument of Tokenizer.encodeInto()",
  stepTable: "steps of runs in memory as a table; openStepTable() reads a folder's",
};

interface Symbols {
  readonly name: string;
  readonly declarations: readonly { readonly kind: string }[];
}

async function exportsOf(module: string): Promise<Symbols[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", module],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  return (Object.values(nodes) as { symbols: Symbols[] }[]).flatMap(({ symbols }) => symbols);
}

/** Modules of the library. `./cli` is the program `losskit`, and exports nothing. `./tfjs-node` exports all of TF.js. */
const { "./cli": program, "./tfjs-node": replacement, ...subpaths }: Record<string, string> =
  JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))).exports;

/** Texts of the library, tests, notebooks, experiments and docs, by path. */
function texts(): Map<string, string> {
  const found = new Map<string, string>([["README.md", Deno.readTextFileSync(new URL("README.md", ROOT))]]);
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(`${folder}/`, ROOT))) {
      const path = `${folder}/${name}`;
      if (isDirectory && name !== "out" && name !== "fixtures") walk(path);
      else if (/\.(ts|ipynb|md)$/.test(name)) found.set(path, Deno.readTextFileSync(new URL(path, ROOT)));
    }
  };
  for (const folder of ["lib", "tests", "notebooks", "experiments", "docs", "data"]) walk(folder);
  return found;
}

Deno.test("the root module exports at most 90 names", async () => {
  const names = (await exportsOf("lib/mod.ts")).map(({ name }) => name);
  for (const wanted of ["useTensorFlow", "loadDataset", "gpt", "createTrainer", "plan", "sweep", "compare"]) {
    assert(names.includes(wanted), wanted);
  }
  assertLessOrEqual(names.length, MOST);
});

Deno.test("no subpath exports an internal type, or a value that only its own folder uses", async () => {
  const words = [...texts()].filter(([path]) =>
    path !== "lib/mod.ts" && path !== "tests/root_exports_test.ts"
  )
    .map(([path, text]) => ({ path, words: new Set(text.match(/[A-Za-z_$][\w$]*/g)) }));
  const problems: string[] = [], listed = new Set<string>();
  for (const [subpath, module] of Object.entries(subpaths)) {
    const symbols = await exportsOf(module);
    assertGreater(symbols.length, 0, subpath);
    const folder = module.replace(/[^/]*$/, "").replace(/^\.\//, "");
    for (const { name, declarations } of symbols) {
      if (INTERNAL.includes(name)) problems.push(`${subpath} exports the internal type ${name}`);
      // Types that signatures name must be exported: `deno doc --lint` requires it.
      const isType = declarations.every(({ kind }) => kind === "interface" || kind === "typeAlias");
      if (subpath === "." || isType) continue;
      if (words.some(({ path, words }) => !path.startsWith(folder) && words.has(name))) continue;
      if (Object.hasOwn(FOR_USERS, name)) listed.add(name);
      else problems.push(`${subpath} exports ${name}, which only ${folder} uses`);
    }
  }
  assertEquals(problems, []);
  assertEquals([...listed].sort(), Object.keys(FOR_USERS).sort(), "a listed name is used elsewhere, or gone");
});

Deno.test("every folder of the library has a subpath", () => {
  assertEquals(Object.keys(subpaths), [
    ...[".", "./analysis", "./figure", "./model", "./notebook", "./record", "./run", "./sweep", "./proof"],
    ...["./study", "./cluster", "./tensorflow", "./tensorflow/node", "./text", "./train"],
  ]);
  for (const path of [program!, replacement!, ...Object.values(subpaths)]) {
    assert(Deno.statSync(new URL(path, ROOT)).isFile, path);
  }
});
