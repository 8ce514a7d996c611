/**
 * Description of the current environment (machine, TensorFlow, Deno and code), and its comparison with recorded
 * environments.
 *
 * As a program, this module prints the environment as JSON. A sweep runs the program, so that TensorFlow does not start
 * in the sweep's own process.
 *
 * @module
 */
import { denoArguments } from "../file/package.ts";
import { collectEnvironment, describeChange, type Environment, environmentChanges } from "../record/mod.ts";
import { probeRounding, type TensorFlow, useTensorFlow } from "../tensorflow/mod.ts";

/** Returns the current environment. TensorFlow must be running in this process. */
export async function currentEnvironment(tensorflow: TensorFlow): Promise<Environment> {
  return await collectEnvironment({
    tensorflowVersion: tensorflow.version,
    wheelSha256: tensorflow.wheelSha256,
    device: tensorflow.device,
    rounding: probeRounding(),
  });
}

/** Describes the differences between two environments that can change results. Returns undefined if there are none. */
export function changesThatMatter(before: Environment, after: Environment): string | undefined {
  const changes = environmentChanges(before, after).filter(({ matters }) => matters);
  return changes.length === 0 ? undefined : changes.map(describeChange).join("; ");
}

/**
 * Shell command that ignores signals. A terminal sends Ctrl-C to all processes, but only the parent process must handle
 * it.
 */
const UNDISTURBED = 'trap "" INT TERM HUP; exec "$@"';

/**
 * Returns the current environment. Starts TensorFlow in a separate process that ends afterwards.
 *
 * @throws {Error} If the process fails, with its error output.
 */
export async function probeEnvironment(): Promise<Environment> {
  const { success, stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", UNDISTURBED, "sh", Deno.execPath(), ...denoArguments(import.meta.url)],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot probe the environment: ${text(stderr)}`);
  return JSON.parse(text(stdout).split("\n").at(-1)!);
}

if (import.meta.main) {
  console.log(JSON.stringify(await currentEnvironment(await useTensorFlow())));
}
