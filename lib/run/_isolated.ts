/**
 * Programs of losskit that execute user-written code in a separate process, and deliver a result to the parent process.
 *
 * User-written code may exit, hang, or print any text. Only a delivered result is a success. The output of the process
 * is discarded, except for the reason of a failure. The process ends with the parent process.
 *
 * @module
 */
import { join } from "node:path";
import { exitNow, handleUserFaults, observeCalls, requireNoFault } from "../error/user_code.ts";
import { UserError } from "../error/user_error.ts";
import { spawnAttached } from "../file/attached.ts";
import { exists } from "../file/exists.ts";
import { denoArguments, lockFile } from "../file/package.ts";

/** Time without a result until the first note, and between notes, in milliseconds. */
const NOTE_EVERY = 30_000;

/** Names of files in the folder that a parent process and its program share. */
const RESULT = "result.json", CALL = "call.txt", MESSAGES = "messages.txt";

/** Shell wrapper that keeps the messages of a process in a file, so that no other process can hold a pipe open. */
const INTO_FILE = 'messages=$1; shift; exec "$@" >/dev/null 2>"$messages"';

/** Captured before users' code can replace them. */
const { parse, stringify } = JSON;

/** Result of a program: a value, or the message of an error that the user can correct. */
type Delivered<T> = { readonly value: T } | { readonly problem: string };

/**
 * Runs a program, and returns its result.
 *
 * @param program URL of the program, which calls {@linkcode deliver}.
 * @param input Input of the program, as JSON.
 * @param action The action for errors, such as `import my_loss.ts`.
 * @throws {UserError} If the program finds a problem, or ends without a result.
 */
export async function resultOf<T>(program: string, input: unknown, action: string): Promise<T> {
  const shared = Deno.makeTempDirSync({ prefix: "losskit-" });
  try {
    const [run = "", ...rest] = denoArguments(program);
    const frozen = lockFile() === undefined ? [] : ["--frozen"]; // a user's import must not change our deno.lock
    const child = spawnAttached([
      ...["/bin/sh", "-c", INTO_FILE, "sh", join(shared, MESSAGES)],
      ...[Deno.execPath(), run, ...frozen, ...rest, shared, stringify(input)],
    ], { env: { NO_COLOR: "1" } });
    const { code, signal } = await noteWhile(child.status, (seconds) => {
      const call = exists(join(shared, CALL)) ? Deno.readTextFileSync(join(shared, CALL)) : "";
      return `waiting for ${seconds} s to ${action}${
        call === "" ? "" : `: ${call} has not returned`
      }. Press Ctrl-C to stop.`;
    });
    const result = exists(join(shared, RESULT))
      ? parse(Deno.readTextFileSync(join(shared, RESULT))) as Delivered<T>
      : undefined;
    if (result !== undefined && "value" in result) return result.value;
    if (result !== undefined) throw new UserError(result.problem);
    const reason = signal !== null
      ? `signal ${signal} ended the process`
      : reasonIn(Deno.readTextFileSync(join(shared, MESSAGES))) ??
        `the process ended early with status ${code}`;
    throw new UserError(`Cannot ${action}: ${reason.replace(/\.$/, "")}.`);
  } finally {
    Deno.removeSync(shared, { recursive: true });
  }
}

/**
 * Waits for a promise, and prints a note at regular intervals.
 *
 * @param work The promise.
 * @param note Returns the note. It receives the number of seconds since the start.
 * @param options `every`: milliseconds between notes (default: 30,000). `print` (default: standard error).
 */
export async function noteWhile<T>(
  work: Promise<T>,
  note: (seconds: number) => string,
  { every = NOTE_EVERY, print = (line: string) => console.error(line) } = {},
): Promise<T> {
  const begin = performance.now();
  const timer = setInterval(() => print(note(Math.round((performance.now() - begin) / 1000))), every);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Returns the reason in the messages of a process that failed. Undefined: there is none. */
function reasonIn(messages: string): string | undefined {
  const lines = messages.split("\n").filter((line) => !/^\s+at /.test(line) && line.trim() !== "");
  const error = lines.find((line) => /^error: /.test(line)) ?? lines.at(-1);
  if (error?.includes("Top-level await promise never resolved")) {
    return "a promise that it awaits at the top level never resolves. Correct the module";
  }
  return error?.replace(/^error: (Uncaught )?(\(in promise\) )?/, "");
}

/**
 * Runs the work of a program, delivers its result to the parent process, and ends this process.
 *
 * @param work Receives the input.
 */
export async function deliver<I, T>(work: (input: I) => Promise<T>): Promise<never> {
  const [shared = "", input = "null"] = Deno.args;
  const write = (name: string, text: string) => Deno.writeTextFileSync(join(shared, name), text);
  handleUserFaults();
  observeCalls((call) => write(CALL, call ?? ""));
  let result: Delivered<T>;
  try {
    result = { value: await work(parse(input)) ?? null as T };
    requireNoFault();
  } catch (error) {
    const isTold = error instanceof UserError || error instanceof RangeError || error instanceof TypeError;
    if (!isTold || !error.message.startsWith("Cannot ")) throw error;
    result = { problem: error.message };
  }
  write(RESULT, stringify(result));
  return exitNow(0); // a user's timers and servers may still run
}
