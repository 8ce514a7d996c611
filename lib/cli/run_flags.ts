/**
 * Command-line flags of a run's fields, derived from the table of fields.
 *
 * @module
 */
import type { Command } from "commander";
import { RUN_FIELD_ENTRIES, RUN_FIELDS, type RunField } from "../options/run_fields.ts";
import { append, escaped, overrides, POLICIES_HELP } from "./command.ts";
import { numberOption, numeric } from "./numbers.ts";

/** Name of a run's field. */
export type RunFieldName = keyof typeof RUN_FIELDS;

/** Returns the help text of a run's field. */
export function runFieldHelp(name: RunFieldName): string {
  return name === "policy" ? POLICIES_HELP : RUN_FIELDS[name].doc;
}

/** Parsers of fields with values other than a plain number or word. */
const PARSERS: Readonly<Record<string, (text: string, before: string[] | undefined) => unknown>> = {
  data: append,
  separator: escaped,
  T: numberOption("--seq"),
  B: numberOption("--batch"),
  threads: numberOption("--threads"),
  overrides,
};

/**
 * Adds the flags of all run fields to a command.
 *
 * @param program Command.
 * @param options `fields`: table of fields. `defaultOf`: returns a field's default for the help text, or undefined to omit
 * it.
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
    const help = name === "policy" ? POLICIES_HELP : field.doc;
    const shown = field.type === "flag" ? undefined : defaultOf(name);
    const parse = PARSERS[name] ?? numeric;
    const text = `${help}${shown === undefined || shown === "" ? "" : ` (default: ${shown})`}`;
    if (field.type === "flag") program.option(flagOf(name, field), text);
    else {program.option<unknown>(flagOf(name, field), text, (word, before) =>
        parse(word, before as string[]));}
  }
}

/**
 * Returns the fields of a run from a command's parsed options. The flag of a boolean field sets the opposite of its default.
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

/** Returns the flag of a field with its value: `--n-layer <number>` for `nLayer`, `--optimizer <optimizer>` for a name. */
function flagOf(name: string, { type, flag }: RunField): string {
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
