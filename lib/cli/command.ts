/**
 * Shared parts of all commands: creation, execution, exit status and help texts.
 *
 * @module
 */
import { typedCommand } from "../error/command_line.ts";
import { Command, CommanderError } from "commander";
import defer * as wrapAnsi from "wrap-ansi";
import { colored, hasColor } from "../error/color.ts";
import { guardConsole, printable, printableError, printableLines } from "../error/printable.ts";
import { noteSlowCalls } from "../error/slow_calls.ts";
import { exitNow, handleUserFaults, hasUserCode, observeCalls } from "../error/user_code.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { parseOverride, POLICY_CHOICES, type PrecisionOverride } from "../precision/mod.ts";
import type { LeftOutRun } from "../record/mod.ts";
import { foldTable } from "../progress/fold_table.ts";
import { terminalColumns } from "../progress/progress.ts";
import { withSynonym } from "./flag_synonyms.ts";
import { resolveTypedPaths } from "./typed_path.ts";

/**
 * Creates a command. Invalid options end the process with status 2.
 *
 * @param name Name of the task.
 * @param description Description in the help text.
 * @param statuses Exit statuses for the help text. Default: 0, 2 and 130.
 */
export function command(
  name: string,
  description: string,
  statuses: Statuses = { ...STATUS.done, ...STATUS.badInput, ...STATUS.stopped },
): Command {
  const statusList = () => {
    const lines = Object.entries(statuses).map(([status, meaning]) =>
      `  ${status.padEnd(3)} ${wrapAnsi.default(meaning, terminalColumns() - 6).replaceAll("\n", "\n      ")}`
    );
    return `\nExit status:\n${lines.join("\n")}`;
  };
  const program = new Command(name);
  return program.description(description).exitOverride().configureOutput({
    writeOut: (text) => console.log(text.replace(/\n$/, "")),
    writeErr: (text) => console.error(printableError(text.replace(/\n$/, ""))),
    outputError: (text, write) => write(withSynonym(text, program.options.map(({ long }) => long ?? ""))),
  }).showHelpAfterError(`(see ${typedCommand(name)} --help)`)
    .addHelpText("after", statusList);
}

/**
 * Runs a command and sets the exit status of the process. Prints user errors as one message, and internal errors with their
 * stack trace.
 *
 * @param program Command to run.
 * @param args Command-line arguments.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<void> {
  guardConsole((text, stream) => hasColor(stream) ? colored(text) : text);
  guardOutput();
  handleUserFaults((fault) => {
    console.error(printableError(fault.message));
    exitNow(fault.exitCode);
  });
  observeCalls(noteSlowCalls());
  try {
    resolveTypedPaths(program);
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      Deno.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput; // commander has printed the message
    } else if (error instanceof UserError) {
      console.error(printableError(error.message));
      Deno.exitCode = error.exitCode;
    } else if (error instanceof Deno.errors.NotCapable) {
      const [missing = ""] = error.message.split(", run again");
      console.error(
        printable(
          `Cannot continue: a permission is missing (${missing}). Use ${typedCommand(program.name())}.`,
        ),
      );
      Deno.exitCode = EXIT.badInput;
    } else if (isPathFault(error)) {
      console.error(printableError(`Cannot continue: ${error.message}. Correct the path.`));
      Deno.exitCode = EXIT.badInput;
    } else {
      console.error(error); // console.error is guarded: the message can contain control characters
      exitNow(1);
    }
  }
  if (hasUserCode()) exitNow(Deno.exitCode); // timers and servers of a module may still run
}

/** Returns whether an error is the system's answer to a path that no file can have, such as one that is too long. */
function isPathFault(error: unknown): error is Error {
  const { code } = Object(error) as { code?: unknown };
  return error instanceof Error && ["ENAMETOOLONG", "ELOOP", "EISDIR", "ENOTDIR"].includes(String(code));
}

/** Permanently revokes the permissions `run`, `ffi` and `net`. Called before a command reads untrusted records. */
export function onlyRead(): void {
  for (const name of ["run", "ffi", "net"] as const) Deno.permissions.revokeSync({ name });
}

/**
 * Makes `console.log` throw a `UserError` if standard output is a full disk or a closed pipe. Ignores failures of
 * `console.error`.
 */
function guardOutput(): void {
  const print = console.log.bind(console);
  console.log = (...values) => {
    try {
      print(...values);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : cause;
      throw new UserError(`Cannot write to standard output: ${reason}. Redirect the output.`, { cause });
    }
  };
  const tell = console.error.bind(console);
  console.error = (...values) => {
    try {
      tell(...values);
    } catch {
      // Standard error is closed. The exit status still reports the result.
    }
  };
}

/** Prints text. On a terminal, wraps sentences at word boundaries, and folds tables that are too wide. */
export function printText(text: string): void {
  console.log(fitted(text, Deno.stdout));
}

/** Prints a text to standard error, as {@linkcode printText} does to standard output. */
export function printNote(text: string): void {
  console.error(fitted(text, Deno.stderr));
}

function fitted(text: string, stream: { isTerminal(): boolean }): string {
  return wrapSentences(printableLines(text), stream.isTerminal() ? terminalColumns() : Infinity);
}

/** Wraps the lines of a text, and folds its tables. Repeated spaces distinguish lines of tables. */
export function wrapSentences(text: string, columns: number): string {
  if (columns === Infinity) return text;
  const wrapped: string[] = [], lines = text.split("\n"), isRow = (line: string) => / {2}/.test(line);
  for (let i = 0; i < lines.length;) {
    const begin = i;
    while (i < lines.length && isRow(lines[i]!)) i++;
    if (i > begin) wrapped.push(foldTable(lines.slice(begin, i), columns).join("\n"));
    else wrapped.push(wrapAnsi.default(lines[i++]!, columns));
  }
  return wrapped.join("\n");
}

/** Sets exit status 3 if the record of a run is damaged. */
export function reportDamage(leftOut: readonly LeftOutRun[]): void {
  if (leftOut.some(({ damaged }) => damaged)) Deno.exitCode ||= EXIT.someFailed;
}

/** Meaning of each exit status, by its number. */
export type Statuses = Readonly<Record<number, string>>;

/** Exit statuses that several commands share. */
export const STATUS = {
  done: { 0: "done" },
  badInput: { 2: "invalid input; nothing was started" },
  damaged: { 3: "done, but at least one recorded run is damaged and was left out" },
  stopped: { 130: "interrupted; nothing to resume" },
} as const;

/** Exit statuses of commands that train. */
export const TRAINING_STATUSES: Statuses = {
  ...STATUS.done,
  ...STATUS.badInput,
  3: "some runs failed, or a recorded run is damaged",
  4: "a loss was NaN or infinite, and divergence is not allowed (allowDivergence: false in a spec, or --fail-on-divergence of train and sweep)",
  75: "interrupted (Ctrl-C); repeat the command to resume. npx reports 130 instead",
};

/** Splits a comma-separated list. Drops empty items. */
export function list(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** Returns a parser for an option that takes a single name. `remedy` is the last sentence of the error message. */
export function oneName(flag: string, remedy = ""): (text: string) => string {
  return (text) => {
    const names = list(text);
    if (names.length === 1) return names[0]!;
    throw new UserError(`Cannot use ${flag}: expected one name, got ${names.length}.${remedy}`);
  };
}

/** Help text: the default of `--out` in commands that take a spec. */
export const DEFAULT_FOLDER_HELP =
  "experiments/out/NAME with the spec's name, or NAME-HASH if that folder contains runs of a different spec";

/** Help text of `--floor`. */
export const FLOOR_HELP = "number of perturbed float32 runs per setting, which measure the noise floor";

/** Help text of `--tolerance`. */
export const TOLERANCE_HELP = "smallest gap of the loss that matters, in nats per token";

/** Appends the value of a repeatable option to its earlier values. */
export function append(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Replaces `\n` and `\t` by a line break and a tab. */
export function escaped(text: string): string {
  return text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
}

/** Help text: the list of precision policies. */
export const POLICIES_HELP =
  `off (float32), on (bf16-autocast; on a GPU bf16-autocast-cuda), ${POLICY_CHOICES}, for example emulated:e4m3fn. ` +
  "Optional parts of a name are in brackets. docs/precision.md describes all policies";

/** Parses overrides such as `softmax@h.1=e8m3,linear=float32`. The spec's validation checks their names. */
export function overrides(text: string): PrecisionOverride[] {
  return list(text).map(parseOverride);
}
