/**
 * Runs losskit's tasks as child processes, and creates texts for them.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url).pathname;

/** Result of a task. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

const TASKS: Record<string, { command: string }> =
  JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)).tasks;

/**
 * Starts the command of a task in the repository, without `deno task` between: rarely, `deno task` reports 130 for a command
 * that handled SIGINT and ended with another status.
 */
export function startTask(name: string, args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...TASKS[name]!.command.split(" ").slice(1), ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a task, and returns its result. */
export async function runTask(
  name: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  return await ended(startTask(name, args, env));
}

/**
 * Waits for the end of a task, and returns its result.
 *
 * @throws {Error} For two punctuation marks in succession.
 */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const ended = { code, stdout: text(stdout), stderr: text(stderr) };
  requirePunctuation(`${ended.stdout}\n${ended.stderr}`);
  return ended;
}

/**
 * Requires that no message was composed of sentences with the end or the beginning of one inside of another.
 *
 * @throws {Error} For two punctuation marks in succession at the end of a word, and for a nested `Cannot`.
 */
function requirePunctuation(printed: string): void {
  const found = /^.*[^\s.](?:\.\.|[.,;:][,;:]|[,;:]\.)(?=\s|$).*/m.exec(printed);
  if (found !== null) throw new Error(`two punctuation marks in succession: ${found[0]}`);
  const nested = /^.*Cannot [^:\n]*:[^.\n]* Cannot .*/m.exec(printed);
  if (nested !== null) throw new Error(`a message inside of another: ${nested[0]}`);
}

/** Returns a learnable text of some thousand characters. */
export function sampleText(lines = 400): string {
  const subjects = ["the cat", "a dog", "the old king", "my friend"],
    verbs = ["sat on", "looked at", "ran from"];
  const objects = ["the mat", "a tree", "the river", "every door"];
  return Array.from(
    { length: lines },
    (_, i) =>
      `${subjects[i % 4]} ${verbs[i * 7 % 3]} ${objects[i * 5 % 4]}, and ${i * i % 97} times again.\n`,
  ).join("");
}
