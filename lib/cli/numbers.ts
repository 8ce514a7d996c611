/**
 * Numbers on the command line: how each option's text is read, and its bounds. Checked while options are parsed, before
 * a command does anything.
 *
 * A field of a spec is read here and bounded by the spec's own checks, which name the field.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { parseDecimal } from "../file/decimal.ts";

/** The values that an option takes. */
interface Range {
  /** The least value. */
  readonly least: number;
  /** The greatest value. Beyond it, a value is a slip of the hand: a command would only hang or run out of memory. */
  readonly most: number;
  /** Whether values between whole numbers count, and what they are. Default: whole numbers alone. */
  readonly of?: string;
  /** Whether the ends of the range are excluded. Default: false. */
  readonly open?: boolean;
}

const SECONDS_A_YEAR = 365 * 24 * 3600;

/** Every option that is a number, a time in seconds or a size in bytes. */
const RANGES = {
  "--threads": { least: 1, most: 1024 },
  "--workers": { least: 1, most: 1024 },
  "--retries": { least: 0, most: 1000 },
  "--kills": { least: 1, most: 10_000 },
  "--parallel": { least: 1, most: 100_000 },
  "--requeues": { least: 0, most: 10_000 },
  "--index": { least: 0, most: 1_000_000 },
  "--port": { least: 0, most: 65_535 },
  "--seed": { least: 0, most: Number.MAX_SAFE_INTEGER },
  "--seq": { least: 1, most: 2 ** 20 },
  "--batch": { least: 1, most: 2 ** 20 },
  "--eval-tokens": { least: 1, most: 1e12 },
  "--n-layer": { least: 1, most: 1000 },
  "--n-head": { least: 1, most: 1_000_000 },
  "--n-embd": { least: 1, most: 1_000_000 },
  "--vocab": { least: 2, most: 10_000_000 },
  "--steps": { least: 1, most: 1_000_000_000 },
  "--warmup": { least: 1, most: 1_000_000 },
  "--rounds": { least: 1, most: 10_000 },
  "--runs": { least: 1, most: 1_000_000 },
  "--max-tokens": { least: 0, most: 1_000_000 },
  "--top-k": { least: 1, most: 100_000_000 },
  "--top-p": { least: 0, most: 1, of: "a number" },
  "--temperature": { least: 0, most: 1000, of: "a number" },
  "--max-shard-bytes": { least: 1, most: 1e15 },
  "--tolerance": { least: 0, most: 1000, of: "a number of nats" },
  "--level": { least: 0, most: 1, of: "a share", open: true },
  "--timeout": { least: 0, most: 7 * 24 * 3600, of: "seconds", open: true },
  "--time-limit": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--margin": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--deadline": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--warn": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--grace": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--memory-limit": { least: 1, most: 1e15, of: "a size" },
} satisfies Record<string, Range>;

/** An option that is a number. */
export type NumberFlag = keyof typeof RANGES;

/** Returns a text as a number; what is no finite decimal number stays a text, for the spec's checks to name. */
export function numeric(text: string): number | string {
  return parseDecimal(text) ?? text;
}

/**
 * Reads an option's number.
 *
 * @throws {UserError} if it is no decimal number in the option's range.
 */
export function numberOf(flag: NumberFlag, value: unknown): number {
  const number = typeof value === "string" ? numeric(value) : value;
  const range: Range = RANGES[flag];
  if (typeof number === "number" && fits(number, range)) return number;
  throw refusal(flag, `${range.of ?? "a whole number"} ${boundsOf(range)}`, value);
}

/** Returns a parser of an option for commander: {@linkcode numberOf}. */
export function numberOption(flag: NumberFlag): (text: string) => number {
  return (text) => numberOf(flag, text);
}

/** Returns a parser of a time, such as `90`, `90s`, `10m` or `2h`, in seconds. */
export function durationOption(flag: NumberFlag, wanted?: string): (text: string) => number {
  return (text) =>
    scaled(flag, {
      text,
      units: { "": 1, s: 1, m: 60, h: 3600 },
      wanted: wanted ?? "a time such as 90s, 10m or 2h",
    });
}

/** Returns a parser of a size, such as `800MB` or `2GB`, in bytes; prefixes are decimal. */
export function byteSizeOption(flag: NumberFlag): (text: string) => number {
  const units = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
  return (text) => scaled(flag, { text, units, wanted: "a size such as 800MB or 2GB" });
}

function scaled(
  flag: NumberFlag,
  { text, units, wanted }: { text: string; units: Readonly<Record<string, number>>; wanted: string },
): number {
  const [, number = "", unit = ""] = /^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$/.exec(text.trim()) ?? [];
  const value = Number(number) * (Object.hasOwn(units, unit) ? units[unit]! : NaN);
  if (number !== "" && fits(value, RANGES[flag])) return value;
  const { most }: Range = RANGES[flag];
  const limit = most === SECONDS_A_YEAR ? "a year" : `${most.toExponential()} bytes`;
  throw refusal(flag, `${wanted}, above 0 and at most ${limit}`, text);
}

function fits(number: number, { least, most, of, open = false }: Range): boolean {
  if (of === undefined && !Number.isInteger(number)) return false;
  return open ? number > least && number < most : number >= least && number <= most;
}

function boundsOf({ least, most, open = false }: Range): string {
  const shown = (bound: number) => bound.toLocaleString("en-US");
  return open ? `above ${shown(least)} and below ${shown(most)}` : `from ${shown(least)} to ${shown(most)}`;
}

function refusal(flag: NumberFlag, wanted: string, given: unknown): UserError {
  const text = String(given);
  const shown = /^[\w.+-]+$/.test(text) ? text : JSON.stringify(text);
  return new UserError(`Cannot use ${flag}: expected ${wanted}, got ${shown}.`);
}
