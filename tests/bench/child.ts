/**
 * Running a benchmark script in a process of its own, and timing its first sign of life.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/**
 * Runs one of our scripts.
 *
 * @param script Its name in this folder.
 * @param options Its argument, and which line of its output is waited for.
 * @returns The JSON of its last line, and milliseconds from the start of the process to the awaited line.
 * @throws {Error} with its messages when it fails.
 */
export async function runScript<R>(
  script: string,
  options: { argument?: unknown; await?: (line: string) => boolean } = {},
): Promise<{ result: R; awaitedMs: number }> {
  const begin = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--quiet"],
      `--config=${fileURLToPath(import.meta.resolve("../../deno.json"))}`,
      fileURLToPath(import.meta.resolve(`./${script}`)),
      ...(options.argument === undefined ? [] : [JSON.stringify(options.argument)]),
    ],
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
  }).spawn();
  const messages = new Response(child.stderr).text();
  let awaitedMs = NaN, output = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (Number.isNaN(awaitedMs) && output.split("\n").slice(0, -1).some((line) => options.await?.(line))) {
      awaitedMs = performance.now() - begin;
    }
  }
  const { code } = await child.status;
  if (code !== 0) throw new Error(`Cannot measure: ${script} ended with status ${code}:\n${await messages}`);
  return { result: JSON.parse(output.trimEnd().split("\n").at(-1)!), awaitedMs };
}
