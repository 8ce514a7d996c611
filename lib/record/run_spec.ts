/**
 * What defines one run, and so its identity. Flat, plain JSON and complete: a run that uses none of an option says so.
 * Ranges and contradictions are checked where it is made (`sweep/spec.ts`); here is its form, as files hold it.
 *
 * @module
 */
import * as v from "valibot";
import { RUN_FIELD_ENTRIES, type RUN_FIELDS, type RunField } from "../options/run_fields.ts";
import { OP_CLASSES, type PrecisionOverride } from "../precision/mod.ts";

/** The value of a field. */
export type ValueOf<F extends RunField> = F extends { readonly choices: readonly (infer C)[] } ? C
  : F["type"] extends "whole" | "number" ? number
  : F["type"] extends "flag" ? boolean
  : F["type"] extends "tokens" ? number | "all"
  : F["type"] extends "overrides" ? readonly PrecisionOverride[]
  : string;

/** Everything that a run's result depends on, but for data, code and machine; `RUN_FIELDS` says what each field is. */
export type RunSpec = { readonly [K in keyof typeof RUN_FIELDS]: ValueOf<typeof RUN_FIELDS[K]> };

/** Names of fields that older records lack. */
export type AddedField = {
  [K in keyof typeof RUN_FIELDS]: typeof RUN_FIELDS[K] extends { readonly added: unknown } ? K : never;
}[keyof typeof RUN_FIELDS];

/** The values of fields that a record lacks, since it is older than they are: GPT-2, AdamW, the plain loss. */
export const RUN_OPTIONS: Pick<RunSpec, AddedField> = Object.fromEntries(
  RUN_FIELD_ENTRIES.flatMap(([name, field]) => field.added === undefined ? [] : [[name, field.added]]),
) as unknown as Pick<RunSpec, AddedField>;

const number = v.number();
const whole = v.pipe(number, v.safeInteger());
const text = v.string();
const flag = v.boolean();

/** The form of overrides in files; what they name is checked by `overridesProblem`. */
export const overridesSchema: v.GenericSchema<unknown, readonly PrecisionOverride[]> = v.array(
  v.strictObject({
    layers: v.optional(v.array(text)),
    opClasses: v.optional(
      v.array(
        v.picklist(
          OP_CLASSES,
          ({ received }) => `no class of operations ${received}: must be one of ${OP_CLASSES.join(", ")}`,
        ),
      ),
    ),
    format: text,
  }),
);

/** The form of a field in files. Ranges are checked where specs are made. */
function formOf({ type, choices }: RunField): v.GenericSchema {
  if (choices !== undefined) return v.picklist(choices);
  if (type === "tokens") return v.union([whole, v.literal("all")]);
  return { whole, number, flag, text, overrides: overridesSchema }[type];
}

/** The form of a run's spec in files; fields that a record lacks are {@linkcode RUN_OPTIONS}'. */
export const runSpecSchema: v.GenericSchema<unknown, RunSpec> = v.object(
  Object.fromEntries(
    RUN_FIELD_ENTRIES.map(([name, field]) => {
      const form = formOf(field);
      return [name, field.added === undefined ? form : v.optional(form, field.added)];
    }),
  ),
) as unknown as v.GenericSchema<unknown, RunSpec>;
