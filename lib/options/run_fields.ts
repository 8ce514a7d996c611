/**
 * The table of run options. Spec validation, record schemas, defaults, command-line flags, help texts, types of options
 * and columns, and the reference page `docs/options.md` are derived from this table. A new option needs an entry in
 * `data_fields.ts`, `whole_fields.ts`, `model_fields.ts`, `trainer_fields.ts` or `loop_fields.ts`, and the code that
 * uses the option.
 *
 * @module
 */
import { DATA_FIELDS } from "./data_fields.ts";
import { LOOP_FIELDS } from "./loop_fields.ts";
import { MODEL_FIELDS } from "./model_fields.ts";
import type { RunField } from "./run_field.ts";
import { TRAINER_FIELDS } from "./trainer_fields.ts";
import { WHOLE_FIELDS } from "./whole_fields.ts";

/** The table of run options: the fields of a run's spec, by name. */
export const RUN_FIELDS:
  & typeof DATA_FIELDS
  & typeof WHOLE_FIELDS
  & typeof MODEL_FIELDS
  & typeof TRAINER_FIELDS
  & typeof LOOP_FIELDS = {
    ...DATA_FIELDS,
    ...WHOLE_FIELDS,
    ...MODEL_FIELDS,
    ...TRAINER_FIELDS,
    ...LOOP_FIELDS,
  };

/** The entries of {@linkcode RUN_FIELDS} in order: pairs of the option's name and its description. */
export const RUN_FIELD_ENTRIES: readonly (readonly [name: string, field: RunField])[] = Object.entries(
  RUN_FIELDS,
);
