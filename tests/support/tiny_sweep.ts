/**
 * A finished sweep of one tiny run. Tests of commands read it, and change copies of it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { runTask, sampleText } from "./commands.ts";

/** Temporary folder, removed at the end. */
export const root: string = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

/** Path of a text. */
export const text: string = join(root, "text.txt");
await Deno.writeTextFile(text, sampleText());

const TINY = {
  ...{ name: "tiny", data: text, vocab: ["character"], seq: [8], policy: ["float32"], seeds: [1] },
  ...{ tokensPerStep: 32, nLayer: 1, nHead: 2, nEmbd: 16, warmupSteps: 0 },
  ...{ steps: 10, evalEvery: 5, evalTokens: 64, checkpointEvery: 5 },
};

/** Writes a spec of one tiny run with the given changes, and returns its path. */
export async function specOf(name: string, fields: object): Promise<string> {
  const path = join(root, `${name}.json`);
  await Deno.writeTextFile(path, JSON.stringify({ ...TINY, ...fields }));
  return path;
}

/** Returns the folder of a sweep's first run. */
export const onlyRun = (dir: string): string =>
  join(dir, "runs", [...Deno.readDirSync(join(dir, "runs"))][0]!.name);

/** Folder of the finished sweep. */
export const done: string = join(root, "done");

/** Path of the spec of the finished sweep. */
export const doneSpec: string = await specOf("done", {});

const begun = await runTask("sweep", [doneSpec, "--out", done]);
assertEquals(begun.code, 0, begun.stderr);

/** Copies a folder recursively, and returns the path of the copy. */
export function copy(from: string, to: string): string {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) copy(source, target);
    else Deno.copyFileSync(source, target);
  }
  return to;
}

/** Changes a JSON file in place. */
export function edit(path: string, change: (value: Record<string, Record<string, unknown>>) => void): void {
  const { checksum: _checksum, ...value } = JSON.parse(Deno.readTextFileSync(path));
  change(value);
  Deno.writeTextFileSync(path, JSON.stringify(value));
}
