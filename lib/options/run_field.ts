/**
 * Fields of a run's spec: their description in the table of options, and their ranges.
 *
 * @module
 */
import { contentHash, type ContentName } from "./content_name.ts";
import type { PrecisionOverride } from "../precision/mod.ts";

/** A field of a run's spec. */
export interface RunField {
  /** Value type. `whole`: integer; `flag`: boolean; `tokens`: integer or `all`; `overrides`: list of format overrides. */
  readonly type: "whole" | "number" | "flag" | "text" | "tokens" | "overrides";
  /** One-line description of the field, for help texts and the reference page. */
  readonly doc: string;
  /** Description of the flag, if it differs from `doc`, as for a flag that turns a boolean field off. Default: `doc`. */
  readonly flagDoc?: string;
  /** Description of a default that depends on other options. Default: the value of `default`. */
  readonly defaultDoc?: string;
  /** Default in a sweep. Omitted if the value comes from the sweep's lists or is derived from other fields. */
  readonly default?: unknown;
  /** Value assumed for records written before the field existed. Omitted if every record has the field. */
  readonly added?: unknown;
  /** Inclusive lower bound. */
  readonly least?: number;
  /** Inclusive upper bound. Default: 1e9 for integers, 1e6 for other numbers. */
  readonly most?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Exclusive upper bound. */
  readonly below?: number;
  /** Allowed values of a `text` field. */
  readonly choices?: readonly string[];
  /**
   * True if the value can also name a user-written module. A spec contains the path of the module; a run contains
   * `NAME@HASH`.
   */
  readonly module?: true;
  /**
   * For fields with a list of values in a sweep's spec: the name of the list (`seq`), the flag of `sweep` with its value
   * (`seq <list>`), and its description. Omitted for other fields.
   */
  readonly list?: { readonly name: string; readonly flag: string; readonly doc: string };
  /**
   * Flag of `train`. `true`: named after the field, `--n-layer` for `nLayer`. A string: the flag with its value,
   * `vocab <tokenizer>`. Flags of boolean fields take no value and set the opposite of the default.
   */
  readonly flag?: true | string;
}

/** Type of a field's value. */
export type ValueOf<F extends RunField> = F extends { readonly choices: readonly (infer C)[] }
  ? C | (F extends { readonly module: true } ? ContentName : never)
  : F["type"] extends "whole" | "number" ? number
  : F["type"] extends "flag" ? boolean
  : F["type"] extends "tokens" ? number | "all"
  : F["type"] extends "overrides" ? readonly PrecisionOverride[]
  : string;

/** Options with the fields of a table. Omitted options have the defaults of the table. */
export type OptionsOf<F extends Readonly<Record<string, RunField>>> = {
  readonly [K in keyof F]?: ValueOf<F[K]> | undefined;
};

/**
 * Completes options with the defaults of a table. Undefined options count as omitted, and other options are dropped.
 *
 * @param fields The table.
 * @param action Action for errors, such as `train`. Default: values are not checked.
 * @throws {RangeError} If a given value is out of the field's range.
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
 * Returns the values that a field takes, for a sentence: `above 0`, `a whole number`, `at least 1`, `one of a, b`.
 *
 * @param field The field.
 * @param value A value of the field's type.
 * @returns The first requirement that the value does not meet; undefined: it meets all of them.
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
