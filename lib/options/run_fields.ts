/**
 * The table of a run's options. Spec validation, record schemas, defaults, command-line flags, help texts, types of options
 * and columns, and the reference page are derived from this table. To add an option, add an entry to the table of the part
 * that takes it, and the code that uses it.
 *
 * @module
 */
import { DATA_FIELDS } from "./data_fields.ts";
import { LOOP_FIELDS } from "./loop_fields.ts";
import { MODEL_FIELDS } from "./model_fields.ts";
import type { RunField } from "./run_field.ts";
import { TRAINER_FIELDS } from "./trainer_fields.ts";
import { WHOLE_FIELDS } from "./whole_fields.ts";

/** Fields of a run's spec, by name. */
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

/** {@linkcode RUN_FIELDS} as entries. */
export const RUN_FIELD_ENTRIES: readonly (readonly [name: string, field: RunField])[] = Object.entries(
  RUN_FIELDS,
);
