/**
 * What every command shares: how it is run, and how it ends.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { EXIT, UserError } from "../error/user_error.ts";
import { autocastPolicy, parseOverride, POLICY_NAMES, type PrecisionOverride } from "../precision/mod.ts";
import { chooseDevice, type Device, parseDevice } from "../tensorflow/device.ts";
import { probeMachine } from "../tensorflow/probe_machine.ts";

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

/** What `--data` takes. */
export const DATA_HELP =
  "shakespeare, markov[:symbols=16,order=1,...], a text file in UTF-8, a folder, or a quoted pattern; may be repeated";

/** Describes `--tolerance`. */
export const TOLERANCE_HELP = "smallest gap of the loss that matters, in nats per token";

/**
 * Checks a `--tolerance`.
 *
 * @throws {UserError} if the value is no number of at least 0.
 */
export function toleranceOf(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new UserError(
    `Cannot compare: --tolerance must be a number of nats, at least 0: it is ${value}`,
  );
}

/** Collects an option that may be repeated. */
export function append(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Reads `\n` and `\t` as a line break and a tab. */
export function escaped(text: string): string {
  return text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
}

/** Reads a number; what is none is left to the spec's checks, which name the field. */
export function numeric(text: string): number | string {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** What policies are, for help texts. */
export const POLICIES_HELP =
  `off (float32), on (bf16-autocast, on a GPU bf16-autocast-cuda), or ${POLICY_NAMES} (such as emulated:e4m3)`;

/** What probes are, for help texts. */
export const PROBES_HELP =
  "take figures of every k-th step: gradients, updates, activations, attention, log Z, loss by position (default: 0, none)";

/**
 * Reads `off,on` as policies; other words are policies' names, checked with the spec.
 *
 * @param device What runs will be on, which `on` depends on (default: what this machine has).
 */
export function policies(text: string, device: () => Device = deviceHere): string[] {
  const word = (given: string) =>
    given === "off" ? "float32" : given === "on" ? autocastPolicy(device()) : given;
  return list(text).map(word);
}

/** What runs that are started here will be on. */
function deviceHere(): Device {
  return chooseDevice(parseDevice(Deno.env.get("LOSSKIT_DEVICE")), probeMachine()).device;
}

/** Reads `softmax@h.1=e8m3,linear=float32` as overrides; what they name is checked with the spec. */
export function overrides(text: string): PrecisionOverride[] {
  return list(text).map(parseOverride);
}

/** What overrides look like, for help texts. */
export const OVERRIDES_HELP =
  "formats of classes of operations and layers, CLASS+CLASS@LAYER+LAYER=FORMAT, such as softmax@h.1=e8m3,linear=float32; loss=bfloat16 is the loss outside of the autocast region";

/** Reads `char,512` as tokenizers. */
export function vocabularies(text: string): string[] {
  return list(text).map((word) =>
    word === "char" ? "character" : /^[0-9]+$/.test(word) ? `bpe:${word}` : word
  );
}

/** Reads `90`, `90s`, `10m`, `2h` as seconds. */
export function duration(flag: string, text: string, wanted = "a time such as 90s, 10m or 2h"): number {
  return scaled(flag, { text, units: { "": 1, s: 1, m: 60, h: 3600 }, wanted });
}

/** Reads `800MB`, `2GB` as bytes; decimal prefixes. */
export function byteSize(flag: string, text: string): number {
  const units = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
  return scaled(flag, { text, units, wanted: "a size such as 800MB or 2GB" });
}

function scaled(
  flag: string,
  { text, units, wanted }: { text: string; units: Readonly<Record<string, number>>; wanted: string },
): number {
  const [, number = "", unit = ""] = /^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const value = Number(number) * (Object.hasOwn(units, unit) ? units[unit]! : NaN);
  if (number !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new UserError(`Cannot use ${flag}: it must be ${wanted}: it is ${text}`);
}

/** Reads a whole number of at least `least`. */
export function wholeNumber(
  flag: string,
  value: unknown,
  { least = 1, most = Number.MAX_SAFE_INTEGER } = {},
): number {
  const number = typeof value === "string" ? numeric(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= least && number <= most) {
    return number;
  }
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new UserError(`Cannot use ${flag}: ${flag} must be a whole number ${range}: it is ${value}`);
}
