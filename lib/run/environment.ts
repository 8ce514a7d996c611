/**
 * The environment that runs are made in now, and whether a recorded one is the same.
 *
 * As a program it prints the environment as JSON: so a sweep learns of it without starting TensorFlow itself.
 *
 * @module
 */
import { join } from "node:path";
import { collectEnvironment, describeChange, type Environment, environmentChanges } from "../record/mod.ts";
import { probeRounding, type TensorFlow, useTensorFlow } from "../tensorflow/mod.ts";
import { ROOT } from "./code.ts";

/** Finds out about this machine, on which TensorFlow runs already. */
export async function currentEnvironment(tensorflow: TensorFlow): Promise<Environment> {
  return await collectEnvironment({
    tensorflowVersion: tensorflow.runtime.version,
    wheelSha256: tensorflow.wheelSha256,
    device: tensorflow.device,
    rounding: probeRounding(),
  });
}

/** The changes that results may depend on, in words; undefined: none. */
export function changesThatMatter(before: Environment, after: Environment): string | undefined {
  const changes = environmentChanges(before, after).filter(({ matters }) => matters);
  return changes.length === 0 ? undefined : changes.map(describeChange).join("; ");
}

/** A terminal's Ctrl-C reaches all processes: this one is short, and whoever asked says what becomes of the signal. */
const UNDISTURBED = 'trap "" INT TERM HUP; exec "$@"';

/**
 * Finds out about this machine in a process of its own, in which TensorFlow starts and ends.
 *
 * @throws {Error} when that process fails, with what it printed.
 */
export async function probeEnvironment(): Promise<Environment> {
  const { success, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", UNDISTURBED, "sh", Deno.execPath(), ...denoArguments(import.meta.url)],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot find out about this machine: ${text(stderr)}`);
  return JSON.parse(text(stdout).split("\n").at(-1)!);
}

/**
 * Deno's arguments for a program of this folder.
 *
 * @param module The program's path or URL.
 * @param root The repository that it is in. Default: this one.
 */
export function denoArguments(module: string, root: string = ROOT): string[] {
  return ["run", "--no-check", "--quiet", "-A", `--config=${join(root, "deno.json")}`, module];
}

if (import.meta.main) {
  console.log(JSON.stringify(await currentEnvironment(await useTensorFlow())));
}
