/**
 * The type of an entry in the table of run options, and the checks of values against an entry.
 *
 * @module
 */
import { contentHash, type ContentName } from "./content_name.ts";
import type { PrecisionOverride } from "../precision/mod.ts";

/** An entry in the table of run options. It describes a field of a run's spec. */
export interface RunField {
  /**
   * Value type. `whole`: integer. `flag`: boolean. `tokens`: integer or `all`. `overrides`: list of precision
   * overrides.
   */
  readonly type: "whole" | "number" | "flag" | "text" | "tokens" | "overrides";
  /** One-line description of the field, for help texts and the reference page. */
  readonly doc: string;
  /**
   * Description of the flag, if it differs from `doc`, as for a flag that turns a boolean field off. Default: `doc`.
   */
  readonly flagDoc?: string;
  /** Description of a default that depends on other options. Default: the value of `default`. */
  readonly defaultDoc?: string;
  /**
   * Default of a run in a sweep. Omitted if a list in the sweep's spec gives the value, or if the value is derived from
   * other fields.
   */
  readonly default?: unknown;
  /** Value for recorded runs that older versions wrote without the field. Omitted if every record has the field. */
  readonly added?: unknown;
  /** Inclusive lower bound. */
  readonly least?: number;
  /** Inclusive upper bound. Default: 1e9 for integers, 1e6 for other numbers. */
  readonly most?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Exclusive upper bound. */
  readonly below?: number;
  /** Allowed values of a field of type `text`. Default: all values. */
  readonly choices?: readonly string[];
  /**
   * True if the value can also name a user-written module. A sweep's spec contains the path of the module. A recorded
   * run contains a content name, `NAME@HASH`.
   */
  readonly module?: true;
  /**
   * For fields with a list of values in a sweep's spec: the name of the list (`seq`), the flag of `sweep` with its
   * value (`seq <list>`), and its description. Omitted for other fields.
   */
  readonly list?: { readonly name: string; readonly flag: string; readonly doc: string };
  /**
   * Flag of `train`. `true`: the flag is named after the field, such as `--n-layer` for `nLayer`. A string: the flag
   * without dashes, and its value, such as `vocab <tokenizer>`. Flags of boolean fields have no value and set the
   * opposite of the default. Omitted if the field has no flag.
   */
  readonly flag?: true | string;
}

/** Type of the value of a field with the description `F`. */
export type ValueOf<F extends RunField> = F extends { readonly choices: readonly (infer C)[] }
  ? C | (F extends { readonly module: true } ? ContentName : never)
  : F["type"] extends "whole" | "number" ? number
  : F["type"] extends "flag" ? boolean
  : F["type"] extends "tokens" ? number | "all"
  : F["type"] extends "overrides" ? readonly PrecisionOverride[]
  : string;

/** An object of options with the names and types of a table `F` of fields. Every option may be omitted. */
export type OptionsOf<F extends Readonly<Record<string, RunField>>> = {
  readonly [K in keyof F]?: ValueOf<F[K]> | undefined;
};

/**
 * Returns options completed with the defaults of a table. A value of undefined counts as omitted. Options that the
 * table does not contain are dropped.
 *
 * @param fields The table.
 * @param options The given options.
 * @param action The failing action in the error `Cannot <action>`, such as `train`. Default: values are not checked.
 * @throws {RangeError} If a value is outside of the field's range.
 */
export function withDefaults<const F extends Readonly<Record<string, RunField>>>(
  fields: F,
  options: OptionsOf<F>,
  action?: string,
): { readonly [K in keyof F]: ValueOf<F[K]> } {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const value = options[name];
      const unmet = action === undefined || value === undefined ? undefined : unmetRange(field, value);
      if (unmet !== undefined) {
        throw new RangeError(`Cannot ${action}: expected ${name} to be ${unmet}, got ${value}.`);
      }
      return [name, value ?? field.default];
    }),
  ) as never;
}

/**
 * Checks a value against the type and the range of a field.
 *
 * @param field The field.
 * @param value The value.
 * @returns The first requirement that the value does not meet, such as `above 0`, `a whole number` or `one of a, b`.
 * Undefined if the value meets all requirements.
 */
export function unmetRange(field: RunField, value: unknown): string | undefined {
  const { type, choices, least, above, below } = field;
  if (choices !== undefined) {
    const isKnown = choices.includes(value as string) ||
      field.module && contentHash(String(value)) !== undefined;
    return isKnown
      ? undefined
      : `one of ${choices.join(", ")}${field.module ? ", or the path of a module" : ""}`;
  }
  if (type === "flag") return typeof value === "boolean" ? undefined : "true or false";
  if (type === "text") return typeof value === "string" ? undefined : "a text";
  if (type === "overrides") return Array.isArray(value) ? undefined : "a list of overrides";
  if (type === "tokens" && value === "all") return undefined;
  if (typeof value !== "number") {
    if (type === "number") return "a number";
    return type === "tokens" ? `a whole number of at least ${least ?? 0}, or all` : "a whole number";
  }
  const { most = type === "number" ? 1e6 : 1e9 } = field;
  if (type !== "number" && !Number.isInteger(value)) return "a whole number";
  if (above !== undefined && !(value > above)) return `above ${above}`;
  if (above === undefined && !(value >= (least ?? 0))) return `at least ${least ?? 0}`;
  if (below !== undefined) return value < below ? undefined : `below ${below}`;
  return value <= most ? undefined : `at most ${most}`;
}
