/**
 * Command-line flags of a run's fields, derived from the table of fields.
 *
 * @module
 */
import type { Command } from "commander";
import { didYouMean } from "../error/did_you_mean.ts";
import { UserError } from "../error/user_error.ts";
import { type RunField, unmetRange } from "../options/run_field.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import { append, escaped, list, oneName, overrides, POLICIES_HELP } from "./command.ts";
import { policyWord, vocabWord } from "./flag_words.ts";
import { numberOption, numeric } from "./numbers.ts";

/** A table of fields, as entries. */
export type Fields = readonly (readonly [name: string, field: RunField])[];

/** Parses the value of a flag, with the values of earlier occurrences. */
type Parser = (text: string, before: string[] | undefined) => unknown;

const USE_SWEEP = " Use sweep for several.";

const oneTokenizer = oneName("--vocab", USE_SWEEP), onePolicy = oneName("--amp", USE_SWEEP);

/** Checks of the words in lists, by field. */
const WORDS: Readonly<Record<string, (word: string) => string>> = { policy: policyWord, vocab: vocabWord };

/** Parsers of fields with values other than a plain number or word. */
const PARSERS: Readonly<Record<string, Parser>> = {
  data: append,
  separator: escaped,
  T: numberOption("--seq"),
  B: numberOption("--batch"),
  threads: numberOption("--threads"),
  tokenizer: (text) => vocabWord(oneTokenizer(text)),
  policy: (text) => policyWord(onePolicy(text)),
  overrides,
};

/** Fields that a sweep derives: B from `tokensPerStep` and T, threads from the number of concurrent runs. */
const NOT_OF_SWEEPS: readonly string[] = ["B", "threads"];

/** Fields for which `sweep` has flags. A field that a spec states as a list has the name and the flag of that list. */
export const SWEEP_FIELDS: Fields = RUN_FIELD_ENTRIES
  .filter(([name]) => !NOT_OF_SWEEPS.includes(name))
  .map((
    [name, field],
  ) => [field.list?.name ?? name, field.list === undefined ? field : listed(field, field.list)]);

function listed(field: RunField, { flag, doc }: NonNullable<RunField["list"]>): RunField {
  return { ...field, flag, doc };
}

/**
 * Adds the flags of run fields to a command.
 *
 * @param program Command.
 * @param options `fields`: table of fields. Default: all fields of a run. `defaultOf`: returns the default of a field
 * for the help text, or undefined if the help text states no default.
 */
export function addRunFlags(
  program: Command,
  { fields = RUN_FIELD_ENTRIES, defaultOf }: { fields?: Fields; defaultOf: (name: string) => unknown },
): void {
  for (const [name, field] of fields) {
    if (field.flag === undefined) continue;
    const help = name === "policy" ? policyHelp(field) : field.flagDoc ?? field.doc;
    const shown = field.type === "flag" ? undefined : field.defaultDoc ?? defaultOf(name);
    const text = `${help}${shown === undefined || shown === "" ? "" : ` (default: ${shown})`}`;
    if (field.type === "flag") program.option(flagOf(name, field), text);
    else {
      const parse = parserOf(name, field);
      program.option<unknown>(flagOf(name, field), text, (word, before) => parse(word, before as string[]));
    }
  }
}

function policyHelp(field: RunField): string {
  return isList(field) ? `${field.doc}. Policies: ${POLICIES_HELP}` : POLICIES_HELP;
}

/** Returns true if a flag takes a list of the field's values. */
function isList({ list, flag }: RunField): boolean {
  return list !== undefined && list.flag === flag;
}

function parserOf(name: string, field: RunField): Parser {
  const inRange = (text: string) => requireRange(numeric(text), name, field);
  if (!isList(field)) return PARSERS[name] ?? inRange;
  if (field.type !== "text") return (text) => list(text).map(inRange);
  const check = WORDS[name] ?? ((word) => word);
  return (text) => list(text).map(check);
}

/** Requires a value in the range of its field. The library checks paths of modules, and texts without choices. */
function requireRange(value: number | string, name: string, field: RunField): number | string {
  const { type, choices, module } = field, text = String(value);
  const isFree = choices === undefined ? type === "text" : module && /[./]/.test(text);
  const unmet = isFree ? undefined : unmetRange(field, value);
  if (unmet === undefined) return value;
  const [flag] = flagOf(name, field).split(" "),
    shown = typeof value === "string" ? JSON.stringify(value) : value;
  const near = didYouMean(text, choices ?? []);
  const several = text.includes(",") ? " List several values in the axes of a spec (docs/specs.md)." : "";
  throw new UserError(`Cannot use ${flag}: expected ${name} to be ${unmet}, got ${shown}${near}.${several}`);
}

/**
 * Returns the fields of a run that a command's parsed options set. The flag of a boolean field sets the opposite of the
 * field's default.
 */
export function runFieldsOf(
  given: Readonly<Record<string, unknown>>,
  fields: Fields = RUN_FIELD_ENTRIES,
): Record<string, unknown> {
  return Object.fromEntries(fields.flatMap(([name, field]) => {
    const value = field.flag === undefined ? undefined : given[keyOf(name, field)];
    if (value === undefined) return [];
    return [[name, field.type === "flag" ? !field.default : value]];
  }));
}

/** Returns the flag of a field with its value: `--n-layer <number>` for `nLayer`, `--optimizer <optimizer>` for a name. */
export function flagOf(name: string, { type, flag }: RunField): string {
  if (typeof flag === "string") return `--${flag}`;
  const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (type === "flag") return option;
  return `${option} <${type === "text" ? name : "number"}>`;
}

/** Returns commander's key of a field's flag: `untiedHead` for `--untied-head`. */
function keyOf(name: string, field: RunField): string {
  const [option = ""] = flagOf(name, field).slice(2).split(" ");
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
