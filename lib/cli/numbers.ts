/**
 * Parses numeric options and checks their bounds, before a command does anything.
 *
 * Fields of a spec are parsed here too. The spec's validation checks their bounds and names the field.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { parseDecimal } from "../file/decimal.ts";
import type { RunField } from "../options/run_field.ts";
import { RUN_FIELDS } from "../options/run_fields.ts";

/** Allowed values of an option. */
interface Range {
  /** Lower bound. */
  readonly least: number;
  /** Upper bound. Larger values are typing errors that would hang the command or exhaust memory. */
  readonly most: number;
  /** Description of a real-valued option. Default: the option takes integers only. */
  readonly of?: string;
  /** True if the bounds are exclusive. Default: false. */
  readonly open?: boolean;
}

/** Returns the range of a run's option that takes whole numbers. */
function rangeOf({ least = 0, most = 1e9 }: RunField): Range {
  return { least, most };
}

const SECONDS_A_YEAR = 365 * 24 * 3600;

/** Ranges of all options that take a number, a time in seconds or a size in bytes. */
const RANGES = {
  "--threads": rangeOf(RUN_FIELDS.threads),
  "--seed": rangeOf(RUN_FIELDS.seed),
  "--seq": rangeOf(RUN_FIELDS.T),
  "--batch": rangeOf(RUN_FIELDS.B),
  "--eval-tokens": rangeOf(RUN_FIELDS.evalTokens),
  "--eval-bytes": rangeOf(RUN_FIELDS.evalBytes),
  "--n-layer": rangeOf(RUN_FIELDS.nLayer),
  "--n-head": rangeOf(RUN_FIELDS.nHead),
  "--n-embd": rangeOf(RUN_FIELDS.nEmbd),
  "--steps": rangeOf(RUN_FIELDS.steps),
  "--workers": { least: 1, most: 1024 },
  "--retries": { least: 0, most: 1000 },
  "--floor": { least: 0, most: 1000 },
  "--kills": { least: 1, most: 10_000 },
  "--parallel": { least: 1, most: 100_000 },
  "--requeues": { least: 0, most: 10_000 },
  "--index": { least: 0, most: 1_000_000 },
  "--port": { least: 0, most: 65_535 },
  "--vocab": { least: 2, most: 10_000_000 },
  "--warmup": { least: 1, most: 1_000_000 },
  "--rounds": { least: 1, most: 10_000 },
  "--runs": { least: 1, most: 1_000_000 },
  "--max-tokens": { least: 0, most: 1_000_000 },
  "--top-k": { least: 1, most: 100_000_000 },
  "--top-p": { least: 0, most: 1, of: "a number" },
  "--temperature": { least: 0, most: 1000, of: "a number" },
  "--max-shard-bytes": { least: 1, most: 1e15 },
  "--tolerance": { least: 0, most: 1000, of: "a number of nats" },
  "--level": { least: 0, most: 1, of: "a number", open: true },
  "--timeout": { least: 0, most: 7 * 24 * 3600, of: "seconds", open: true },
  "--time-limit": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--margin": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--deadline": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--warn": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--grace": { least: 0, most: SECONDS_A_YEAR, of: "a time", open: true },
  "--memory-limit": { least: 1, most: 1e15, of: "a size" },
} satisfies Record<string, Range>;

/** Name of a numeric option. */
export type NumberFlag = keyof typeof RANGES;

/** Parses a decimal number. Returns any other text unchanged, so that the spec's validation can report it. */
export function numeric(text: string): number | string {
  return parseDecimal(text) ?? text;
}

/**
 * Parses the value of a numeric option.
 *
 * @throws {UserError} If the value is not a decimal number in the option's range.
 */
export function numberOf(flag: NumberFlag, value: unknown): number {
  const number = typeof value === "string" ? numeric(value) : value;
  const range: Range = RANGES[flag];
  if (typeof number === "number" && fits(number, range)) return number;
  throw refusal(flag, `${range.of ?? "a whole number"} ${boundsOf(range)}`, value);
}

/** Returns {@linkcode numberOf} for one option, as an argument parser for commander. */
export function numberOption(flag: NumberFlag): (text: string) => number {
  return (text) => numberOf(flag, text);
}

/** Returns a parser for times such as `90`, `90s`, `10m` or `2h`. The parser returns seconds. */
export function durationOption(flag: NumberFlag, wanted?: string): (text: string) => number {
  return (text) =>
    scaled(flag, {
      text,
      units: { "": 1, s: 1, m: 60, h: 3600 },
      wanted: wanted ?? "a time such as 90s, 10m or 2h",
    });
}

/** Returns a parser for sizes such as `800MB` or `2GB`, with decimal prefixes. The parser returns bytes. */
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
