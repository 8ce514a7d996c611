/**
 * What every command shares: how it is run, and how it ends.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { guardConsole, printable, printableError } from "../error/printable.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { parseOverride, POLICY_NAMES, type PrecisionOverride } from "../precision/mod.ts";

/** A new command whose mistakes end with status 2. */
export function command(name: string, description: string): Command {
  return new Command(name).usage("[options]").description(description).exitOverride().configureOutput({
    writeOut: (text) => console.log(text.replace(/\n$/, "")),
    writeErr: (text) => console.error(text.replace(/\n$/, "")),
  }).showHelpAfterError(`(deno task ${name} --help lists the options)`);
}

/**
 * Runs a command and sets the status that the process ends with. A user's mistake is told in its own words; a fault
 * of losskit keeps its stack.
 *
 * @param program What to run.
 * @param args The command line.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<void> {
  guardConsole();
  guardOutput();
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      Deno.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput; // commander has told the user already
    } else if (error instanceof UserError) {
      console.error(printableError(error.message));
      Deno.exitCode = error.exitCode;
    } else if (error instanceof Deno.errors.NotCapable) {
      const [missing = ""] = error.message.split(", run again");
      console.error(
        printable(
          `Cannot go on: a permission is missing: ${missing}. Run it as deno task ${program.name()} does.`,
        ),
      );
      Deno.exitCode = EXIT.badInput;
    } else {
      console.error(error); // its message may hold foreign text: Deno would print it as it is
      Deno.exit(1);
    }
  }
}

/** Gives up the permissions to start programs and to call native code, for good, before foreign records are read. */
export function onlyRead(): void {
  for (const name of ["run", "ffi", "net"] as const) Deno.permissions.revokeSync({ name });
}

/**
 * Has a failed print to standard output end the command: Deno's own error has a stack and names no stream.
 *
 * @throws {UserError} from `console.log`, where standard output is a full disk or a closed pipe.
 */
function guardOutput(): void {
  const print = console.log.bind(console);
  console.log = (...values) => {
    try {
      print(...values);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : cause;
      throw new UserError(`Cannot write to standard output: ${reason}. Send it elsewhere.`, { cause });
    }
  };
  const tell = console.error.bind(console);
  console.error = (...values) => {
    try {
      tell(...values);
    } catch {
      // Nobody can be told. The status still says how the command ended.
    }
  };
}

/** Statuses of commands that train, for help texts. */
export const STATUS_HELP = `
Status: 0 done; 2 bad input, nothing started; 3 some runs failed; 4 diverged; 75 interrupted, the same command resumes.
Ctrl-C through npx ends with 130 in place of 75: npm ends by the signal itself.`;

/** Reads `a,b,c`. */
export function list(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** The folder of commands that take a spec, without `--out`. */
export const DEFAULT_FOLDER_HELP =
  "experiments/out/NAME, or NAME-HASH where NAME holds the plan of another spec";

/** What `--data` takes. */
export const DATA_HELP =
  "shakespeare, markov[:symbols=16,order=1,...], a text file in UTF-8, a folder, or a quoted pattern; may be repeated";

/** Describes `--tolerance`. */
export const TOLERANCE_HELP = "smallest gap of the loss that matters, in nats per token";

/** Collects an option that may be repeated. */
export function append(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Reads `\n` and `\t` as a line break and a tab. */
export function escaped(text: string): string {
  return text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
}

/** What policies are, for help texts. */
export const POLICIES_HELP =
  `off (float32), on (bf16-autocast, on a GPU bf16-autocast-cuda), or ${POLICY_NAMES} (such as emulated:e4m3)`;

/** What probes are, for help texts. */
export const PROBES_HELP =
  "take figures of every k-th step: gradients, updates, activations, attention, log Z, loss by position (default: 0, none)";

/** Reads `softmax@h.1=e8m3,linear=float32` as overrides; what they name is checked with the spec. */
export function overrides(text: string): PrecisionOverride[] {
  return list(text).map(parseOverride);
}

/** What overrides look like, for help texts. */
export const OVERRIDES_HELP =
  "formats of classes of operations and layers, CLASS+CLASS@LAYER+LAYER=FORMAT, such as softmax@h.1=e8m3,linear=float32; loss=bfloat16 is the loss outside of the autocast region";
