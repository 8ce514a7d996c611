/**
 * Complete spec of one run, as flat JSON. The run's ID depends on the spec. Options without effect are included.
 * `sweep/spec.ts` checks ranges and contradictions. This module has the schema of the stored form.
 *
 * @module
 */
import * as v from "valibot";
import { contentHash } from "../options/content_name.ts";
import type { RunField, ValueOf } from "../options/run_field.ts";
import { RUN_FIELD_ENTRIES, type RUN_FIELDS } from "../options/run_fields.ts";
import { completeOverride, OP_CLASSES, type PrecisionOverride } from "../precision/mod.ts";

/** All settings that determine a run's result, except data, code and machine. `RUN_FIELDS` documents each field. */
export type RunSpec = { readonly [K in keyof typeof RUN_FIELDS]: ValueOf<typeof RUN_FIELDS[K]> };

/** Returns true if a run is perturbed. Perturbed runs measure the noise floor of comparisons. */
export function isPerturbed({ perturb, reorder }: Pick<RunSpec, "perturb" | "reorder">): boolean {
  return perturb > 0 || reorder > 0;
}

/**
 * Returns the perturbation of a run as text, such as `noise 1` or `order 2`: the kind and the number of the random
 * draw. Returns `none` for a run that is not perturbed.
 */
export function perturbationOf({ perturb, reorder }: Pick<RunSpec, "perturb" | "reorder">): string {
  const parts = [...perturb > 0 ? [`noise ${perturb}`] : [], ...reorder > 0 ? [`order ${reorder}`] : []];
  return parts.length === 0 ? "none" : parts.join(" and ");
}

/** Names of the fields that were added to specs later. Old records lack these fields. */
export type AddedField = {
  [K in keyof typeof RUN_FIELDS]: typeof RUN_FIELDS[K] extends { readonly added: unknown } ? K : never;
}[keyof typeof RUN_FIELDS];

/**
 * Values of the fields that old records lack. They describe how losskit trained at that time, for example with GPT-2,
 * AdamW and the plain loss.
 */
export const RUN_OPTIONS: Pick<RunSpec, AddedField> = Object.fromEntries(
  RUN_FIELD_ENTRIES.flatMap(([name, field]) => field.added === undefined ? [] : [[name, field.added]]),
) as unknown as Pick<RunSpec, AddedField>;

const number = v.number();
const whole = v.pipe(number, v.safeInteger());
const text = v.string();
const flag = v.boolean();

/**
 * Schema of precision overrides. Short names of formats are replaced by full names. `overridesProblem` checks whether
 * the names exist.
 */
export const overridesSchema: v.GenericSchema<unknown, readonly PrecisionOverride[]> = v.array(
  v.pipe(
    v.strictObject({
      layers: v.optional(v.array(text)),
      opClasses: v.optional(
        v.array(
          v.picklist(
            OP_CLASSES,
            ({ received }) => `expected an operation class (${OP_CLASSES.join(", ")}), got ${received}`,
          ),
        ),
      ),
      operands: v.optional(v.array(text)),
      format: text,
      scaling: v.optional(text),
    }),
    v.transform((override): PrecisionOverride => completeOverride(override)),
  ),
);

/** Returns the schema of a stored field. Ranges are checked when a spec is parsed. */
function formOf({ type, choices, module }: RunField): v.GenericSchema {
  if (choices !== undefined && module) {
    const isKnown = (value: string) => choices.includes(value) || contentHash(value) !== undefined;
    return v.pipe(text, v.check(isKnown, `expected one of ${choices.join(", ")}, or NAME@HASH`));
  }
  if (choices !== undefined) return v.picklist(choices);
  if (type === "tokens") return v.union([whole, v.literal("all")]);
  return { whole, number, flag, text, overrides: overridesSchema }[type];
}

/** Schema of a stored run spec. Missing fields get the values of {@linkcode RUN_OPTIONS}. */
export const runSpecSchema: v.GenericSchema<unknown, RunSpec> = v.object(
  Object.fromEntries(
    RUN_FIELD_ENTRIES.map(([name, field]) => {
      const form = formOf(field);
      return [name, field.added === undefined ? form : v.optional(form, field.added)];
    }),
  ),
) as unknown as v.GenericSchema<unknown, RunSpec>;
