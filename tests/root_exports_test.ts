/**
 * The root module: how much it exports, and that every subpath of deno.json loads.
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** Names that the root module may export. */
const MOST = 90;

/** Types of the runtime's inside, which nobody outside needs. */
const INTERNAL = ["Trace", "Binding", "Pointer", "GraphValue", "Runtime"];

async function exportedNames(module: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", module],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const modules = Object.values(nodes) as { symbols: { name: string }[] }[];
  return [...new Set(modules.flatMap(({ symbols }) => symbols.map(({ name }) => name)))];
}

Deno.test("the root module exports at most 90 names, none of the runtime's inside", async () => {
  const names = await exportedNames("lib/mod.ts");
  for (const wanted of ["useTensorFlow", "loadDataset", "gpt", "createTrainer", "sweep", "compare"]) {
    assert(names.includes(wanted), wanted);
  }
  assertGreater(names.length, 0);
  assertLessOrEqual(names.length, MOST);
  assertEquals(names.filter((name) => INTERNAL.includes(name)), []);
});

Deno.test("every folder of the library has a subpath", async () => {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assertEquals(Object.keys(exports), [
    ...[
      ".",
      "./analysis",
      "./figure",
      "./model",
      "./notebook",
      "./record",
      "./run",
      "./sweep",
      "./proof",
      "./study",
      "./cluster",
    ],
    ...["./tensorflow", "./tensorflow/node", "./text", "./train"],
  ]);
  for (const path of Object.values(exports) as string[]) {
    assert(Deno.statSync(new URL(path, ROOT)).isFile, path);
  }
});
