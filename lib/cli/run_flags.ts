/**
 * Flags of a run's fields, derived from the one table of fields.
 *
 * @module
 */
import type { Command } from "commander";
import { RUN_FIELD_ENTRIES, RUN_FIELDS, type RunField } from "../options/run_fields.ts";
import { append, escaped, overrides, POLICIES_HELP } from "./command.ts";
import { numberOption, numeric } from "./numbers.ts";

/** Name of a run's field. */
export type RunFieldName = keyof typeof RUN_FIELDS;

/** Returns the documentation of a run's field, for help texts. */
export function runFieldHelp(name: RunFieldName): string {
  return name === "policy" ? POLICIES_HELP : RUN_FIELDS[name].doc;
}

/** Parsers of fields whose text is not a plain number or word. */
const PARSERS: Readonly<Record<string, (text: string, before: string[] | undefined) => unknown>> = {
  data: append,
  separator: escaped,
  T: numberOption("--seq"),
  B: numberOption("--batch"),
  threads: numberOption("--threads"),
  overrides,
};

/**
 * Adds a flag per field of a run to a command.
 *
 * @param program The command.
 * @param options `fields`: the table; `defaultOf`: a field's default as help shows it; undefined: none is shown.
 */
export function addRunFlags(
  program: Command,
  { fields = RUN_FIELD_ENTRIES, defaultOf }: {
    fields?: readonly (readonly [name: string, field: RunField])[];
    defaultOf: (name: string) => unknown;
  },
): void {
  for (const [name, field] of fields) {
    if (field.flag === undefined) continue;
    const help = runFieldHelp(name as RunFieldName);
    const shown = field.type === "flag" ? undefined : defaultOf(name);
    const parse = PARSERS[name] ?? numeric;
    const text = `${help}${shown === undefined || shown === "" ? "" : ` (default: ${shown})`}`;
    if (field.type === "flag") program.option(flagOf(name, field), text);
    else {program.option<unknown>(flagOf(name, field), text, (word, before) =>
        parse(word, before as string[]));}
  }
}

/**
 * Returns a run's fields from a command's parsed options. The flag of a true-or-false field gives the opposite of its default.
 */
export function runFieldsOf(
  given: Readonly<Record<string, unknown>>,
  fields: readonly (readonly [name: string, field: RunField])[] = RUN_FIELD_ENTRIES,
): Record<string, unknown> {
  return Object.fromEntries(fields.flatMap(([name, field]) => {
    const value = field.flag === undefined ? undefined : given[keyOf(name, field)];
    if (value === undefined) return [];
    return [[name, field.type === "flag" ? !field.default : value]];
  }));
}

/** `nLayer` → `--n-layer <number>`. */
function flagOf(name: string, { type, flag }: RunField): string {
  if (typeof flag === "string") return `--${flag}`;
  const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (type === "flag") return option;
  return `${option} <${type === "text" || type === "tokens" ? "word" : "number"}>`;
}

/** The key that commander gives an option: `--untied-head` → `untiedHead`. */
function keyOf(name: string, field: RunField): string {
  const [option = ""] = flagOf(name, field).slice(2).split(" ");
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
