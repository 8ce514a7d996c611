/**
 * `deno task ok`: runs all checks that a change must pass: format, lint, types, documentation, doc tests and tests.
 *
 * Stops at the first check that fails, and prints its output. The tests print their own report.
 */
import { command, runCommand } from "../lib/cli/command.ts";
import { TEST_ROOTS } from "./run.ts";
import { findFiles, runTestFiles } from "./support/test_files.ts";

/** Check that a command of Deno performs. */
interface Part {
  name: string;
  args: string[];
}

/**
 * Returns an import map that replaces every package by an empty module. `deno doc --lint` reports types of packages as
 * private in signatures, and as undocumented if they are exported again. Empty modules hide these types.
 *
 * Files inside packages are mapped one by one, because an empty module has no subpaths.
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

/** Returns whether a module's documentation has an example. `deno test --doc` would run other modules as programs. */
function hasExample(module: string): boolean {
  return /^\s*\* ```ts/m.test(Deno.readTextFileSync(module));
}

/** Runs a check and prints its result in one line. Returns whether the check passed. */
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
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(path));
  const { exports }: { exports: Record<string, string> } = await read("deno.json");
  const { imports }: { imports: Record<string, string> } = await read("import_map.json");
  const modules = findFiles(["lib"]).filter((file) => file.endsWith(".ts") && !file.endsWith("_test.ts"));
  const importMap = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(importMap, await withoutPackages(imports, modules));
    const parts: Part[] = [
      { name: "format", args: ["fmt", "--check"] },
      { name: "lint", args: ["lint"] },
      { name: "type check", args: ["check", "--quiet", "--lock=deno.lock", "."] },
      {
        name: "documentation",
        args: ["doc", "--lint", "--no-lock", "--import-map", importMap, ...Object.values(exports)],
      },
      {
        name: "doc tests",
        args: ["test", "--doc", "-A", "--quiet", "--lock=deno.lock", ...modules.filter(hasExample)],
      },
    ];
    for (const part of parts) if (!await runPart(part)) return false;
  } finally {
    await Deno.remove(importMap);
  }
  const { passed, failed } = await runTestFiles({ roots: TEST_ROOTS, write: (line) => console.log(line) });
  return failed === 0 && passed > 0;
}

const program = command("ok", "Run all checks that a change to losskit must pass.", {
  0: "all checks passed",
  1: "a check failed",
}).action(async () => Deno.exit(await main() ? 0 : 1));

if (import.meta.main) await runCommand(program, Deno.args);
