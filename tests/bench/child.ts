/**
 * Runs benchmark scripts in separate processes, and times a line of their output.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/**
 * Runs a script of this folder.
 *
 * @param script File name.
 * @param options `argument` of the script, and `await`, a predicate for the line of output to time.
 * @returns The parsed JSON of the last line, and the milliseconds from process start to the awaited line.
 * @throws {Error} If the script fails, with its messages.
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
