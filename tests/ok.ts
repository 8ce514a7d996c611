/**
 * `deno task ok`: everything that a change must pass. Format, lint, types, documentation, doc tests, then the tests.
 *
 * It ends at the first part that fails, whose output it prints; the tests print their own report.
 */
import { TEST_ROOTS } from "./run.ts";
import { findFiles, runTestFiles } from "./support/test_files.ts";

/** One part of the gate, done by deno itself. */
interface Part {
  name: string;
  args: string[];
}

/** What deno.json says of the package, as far as it is read here. */
interface Package {
  exports: Record<string, string>;
  imports: Record<string, string>;
}

/**
 * An import map by which every package is an empty module. `deno doc --lint` calls a package's type in a signature
 * private, and one that is exported again undocumented: with such types it can only pass where it does not see them.
 *
 * Files inside packages are mapped one by one: an empty module is no folder that a path could lead into.
 */
async function withoutPackages(imports: Record<string, string>, modules: readonly string[]): Promise<string> {
  const empty = "data:text/typescript,export%20%7B%7D";
  const names = new Set(Object.keys(imports).filter((name) => !name.endsWith("/")));
  for (const module of modules) {
    for (
      const [, name] of (await Deno.readTextFile(module)).matchAll(/(?:from|import\(?)\s*"([^".][^"]*)"/g)
    ) {
      if (!name!.startsWith("node:")) names.add(name!);
    }
  }
  return JSON.stringify({ imports: Object.fromEntries([...names].map((name) => [name, empty])) });
}

/** Whether a module's documentation has code to run; one without it, run as a test, would run as a program. */
function hasExample(module: string): boolean {
  return /^\s*\* ```ts/m.test(Deno.readTextFileSync(module));
}

/** Runs one part; answers whether it passed, having written a line for it. */
async function runPart({ name, args }: Part): Promise<boolean> {
  const begin = performance.now();
  const { success, code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${success ? "ok" : "FAILED"} ${name} (${seconds} s)`);
  if (!success) {
    for (const bytes of [stdout, stderr]) console.log(new TextDecoder().decode(bytes).trimEnd());
    console.log(signal === null ? `(exit status ${code})` : `(ended by ${signal})`);
  }
  return success;
}

async function main(): Promise<boolean> {
  const { exports, imports }: Package = JSON.parse(await Deno.readTextFile("deno.json"));
  const modules = findFiles(["lib"]).filter((file) => file.endsWith(".ts") && !file.endsWith("_test.ts"));
  const importMap = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(importMap, await withoutPackages(imports, modules));
    const parts: Part[] = [
      { name: "format", args: ["fmt", "--check"] },
      { name: "lint", args: ["lint"] },
      { name: "type check", args: ["check", "--quiet", "."] },
      {
        name: "documentation",
        args: ["doc", "--lint", "--no-lock", "--import-map", importMap, ...Object.values(exports)],
      },
      { name: "doc tests", args: ["test", "--doc", "-A", "--quiet", ...modules.filter(hasExample)] },
    ];
    for (const part of parts) if (!await runPart(part)) return false;
  } finally {
    await Deno.remove(importMap);
  }
  const { passed, failed } = await runTestFiles({ roots: TEST_ROOTS, write: (line) => console.log(line) });
  return failed === 0 && passed > 0;
}

if (import.meta.main) Deno.exit(await main() ? 0 : 1);
