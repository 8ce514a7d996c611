/**
 * What every command shares: how it is run, and how it ends.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { EXIT, UserError } from "../error/user_error.ts";
import { parseOverride, type PrecisionOverride } from "../precision/mod.ts";

/** A new command whose mistakes end with status 2. */
export function command(name: string, description: string): Command {
  return new Command(name).usage("[options]").description(description).exitOverride().showHelpAfterError(
    `(deno task ${name} --help lists the options)`,
  );
}

/**
 * Runs a command and sets the status that the process ends with. A user's mistake is told in its own words; a fault
 * of losskit keeps its stack.
 *
 * @param program What to run.
 * @param args The command line.
 */
export async function runCommand(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      Deno.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput; // commander has told the user already
    } else if (error instanceof UserError) {
      console.error(error.message);
      Deno.exitCode = error.exitCode;
    } else throw error;
  }
}

/** Reads `a,b,c`. */
export function list(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** Reads a number; what is none is left to the spec's checks, which name the field. */
export function numeric(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Reads `off,on` as policies; other words are policies' names, checked with the spec. */
export function policies(text: string): string[] {
  const words: Readonly<Record<string, string>> = { off: "float32", on: "bf16-autocast" };
  return list(text).map((word) => words[word] ?? word);
}

/** Reads `softmax@h.1=e8m3,linear=float32` as overrides; what they name is checked with the spec. */
export function overrides(text: string): PrecisionOverride[] {
  return list(text).map(parseOverride);
}

/** What overrides look like, for help texts. */
export const OVERRIDES_HELP =
  "formats of classes of operations and layers, CLASS+CLASS@LAYER+LAYER=FORMAT, such as softmax@h.1=e8m3,linear=float32";

/** Reads `char,512` as tokenizers. */
export function vocabularies(text: string): string[] {
  return list(text).map((word) =>
    word === "char" ? "character" : /^[0-9]+$/.test(word) ? `bpe:${word}` : word
  );
}
