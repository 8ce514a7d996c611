/**
 * Spec of a sweep: fields, schemas and defaults. `parse_spec.ts` checks specs; `expand.ts` expands them into runs.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import * as v from "valibot";
import { type RunField, unmetRange } from "../options/run_field.ts";
import { RUN_FIELD_ENTRIES, RUN_FIELDS } from "../options/run_fields.ts";
import { describePolicy, type PolicyName } from "../precision/mod.ts";
import { overridesSchema, type RunSpec } from "../record/mod.ts";
import type { TokenizerName } from "../text/mod.ts";
import {
  type Axes,
  axesSchema,
  type Condition,
  excludeSchema,
  type When,
  whenSchema,
  zipSchema,
} from "./axes.ts";

/** Schema of whole numbers. The default maximum exceeds every practical value. */
const whole = (least: number, most = 1e9) =>
  v.pipe(
    v.number("to be a number"),
    v.integer("to be a whole number"),
    v.minValue(least, `to be at least ${least}`),
    v.maxValue(most, `to be at most ${most}`),
  );
/** Schema of budgets. Excessive numbers of steps are refused once the steps are known. */
const amount = v.pipe(
  v.number("to be a number"),
  v.gtValue(0, "to be above 0"),
  v.maxValue(1e30, "to be at most 1e+30"),
);
const some = <S extends v.GenericSchema>(item: S) =>
  v.pipe(
    v.array(item),
    v.minLength(1, "to have at least one value"),
    v.check((list) => new Set(list).size === list.length, "not to repeat a value"),
  );

const oneOf = <const O extends readonly string[]>(options: O) =>
  v.picklist(options, `to be one of ${options.join(", ")}`);

/** Options with one value for all runs of a sweep, unless an axis varies them. */
export type SharedOptions = Omit<
  RunSpec,
  "data" | "tokenizer" | "T" | "B" | "policy" | "threads" | "seed" | "minLr"
>;

/** Amount of training per run. Exactly one field is set. */
export interface Budget {
  /** Number of training steps. */
  readonly steps?: number | undefined;
  /** Number of training tokens, rounded to whole steps. */
  readonly tokens?: number | undefined;
  /** Number of floating-point operations of training, as counted by `flopsPerToken`, rounded down to whole steps. */
  readonly flops?: number | undefined;
}

/** A validated spec of a sweep. Fields that are not documented here are those of {@linkcode RunSpec}. */
export interface SweepSpec extends SharedOptions {
  /** Name of the sweep, and the default name of its folder. */
  name: string;
  /**
   * `shakespeare`, `markov` with or without parameters (`data/README.md`), the path of a UTF-8 text file or a folder, a
   * glob pattern, or a list of these.
   */
  data: string | string[];
  /** Axis: sequence lengths (T) in tokens. Each value divides `tokensPerStep`. */
  seq: number[];
  /** Axis: precision policies. */
  policy: PolicyName[];
  /** Axis: tokenizers. Each is `character`, `byte`, `gpt2`, `bpe:V` with a vocabulary size V, or a tokenizer file. */
  vocab: string[];
  /** Axis: seeds of the initial weights and of the batches, whole numbers from 0. */
  seeds: number[];
  /**
   * Tokens per step: batch size times T. The value is the same for every T, so that all runs train on equally many
   * tokens.
   */
  tokensPerStep: number;
  /** Learning rate at the last step, at most `lr`. Default: a tenth of each run's `lr`. */
  minLr?: number | undefined;
  /**
   * Additional axes: lists of values by field of a run (`T`, `policy`, `tokenizer`, `seed`, `lr`, …). Default: none.
   */
  axes: Axes;
  /**
   * Groups of zipped axes. The lists of a group have equal lengths, and their values are combined by index. Default:
   * none.
   */
  zip: Axes[];
  /** Conditional values of fields, applied in order, before `exclude`. Default: none. */
  when: When[];
  /** Conditions that exclude runs. A run is excluded if any condition matches. Default: none. */
  exclude: Condition[];
  /** Amount of training, instead of `steps`. Default: undefined, which means `steps`. */
  budget?: Budget | undefined;
  /**
   * Number of perturbed float32 runs for each setting that also has a lower precision. These runs measure the noise
   * floor. Default: 0 in `sweep`, 3 in `compare`, and 2 in a sweep without any given field.
   */
  floor: number;
}

const policyName = v.pipe(
  v.string(),
  v.rawTransform<string, PolicyName>(({ dataset, addIssue, NEVER }) => {
    try {
      describePolicy(dataset.value);
      return dataset.value as PolicyName;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      addIssue({ message: reasonOf(error) });
      return NEVER;
    }
  }),
);

const corpusName = v.pipe(v.string("to name a corpus"), v.minLength(1, "to name a corpus"));

/** Fields of a run that are lists in a spec or follow from other fields. */
const OF_RUN: readonly string[] = ["data", "tokenizer", "T", "B", "policy", "threads", "seed"];

/** Returns true if a run's field is a single value for all runs of a spec. */
function isShared(name: string): boolean {
  return !OF_RUN.includes(name);
}

/** Returns the schema of a spec's field, with its range. */
function schemaOf(field: RunField): v.GenericSchema {
  const { type, choices, module } = field;
  if (choices !== undefined && module) {
    return v.pipe(
      v.string(`to be one of ${choices.join(", ")}, or the path of a module`),
      v.rawCheck<string>(({ dataset, addIssue }) => {
        const unmet = dataset.typed ? unmetRange(field, dataset.value) : undefined;
        if (unmet !== undefined) addIssue({ message: `to be ${unmet}` });
      }),
    );
  }
  if (choices !== undefined) return oneOf(choices);
  if (type === "flag") return v.boolean("to be true or false");
  if (type === "text") return v.string("to be a text");
  if (type === "overrides") return overridesSchema;
  const kind = `to be ${unmetRange(field, undefined)}`;
  const number = v.pipe(
    v.number(kind),
    v.rawCheck<number>(({ dataset, addIssue }) => {
      const unmet = dataset.typed ? unmetRange(field, dataset.value) : undefined;
      if (unmet !== undefined) addIssue({ message: `to be ${unmet}` });
    }),
  );
  if (type === "tokens") return v.union([number, v.literal("all")], kind);
  return field.default === undefined && type === "number" ? v.optional(number) : number;
}

/** Schema of each field of a spec, by name. */
export const SPEC_FIELDS: Readonly<Record<string, v.GenericSchema>> = {
  name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "to consist of letters, digits, '.', '_' and '-'"),
  ),
  data: v.union(
    [corpusName, v.pipe(v.array(corpusName), v.minLength(1, "to name a corpus"))],
    "to name a corpus, or to be a list of names",
  ),
  seq: some(schemaOf(RUN_FIELDS.T)),
  policy: some(policyName),
  vocab: some(v.string()),
  seeds: some(schemaOf(RUN_FIELDS.seed)),
  tokensPerStep: whole(1),
  ...Object.fromEntries(
    RUN_FIELD_ENTRIES.filter(([name]) => isShared(name)).map(([name, field]) => [name, schemaOf(field)]),
  ),
  axes: axesSchema,
  zip: zipSchema,
  when: whenSchema,
  exclude: excludeSchema,
  floor: whole(0, 1000),
  budget: v.optional(v.pipe(
    v.strictObject({
      steps: v.optional(whole(1)),
      tokens: v.optional(amount),
      flops: v.optional(amount),
    }),
    v.check(
      (budget) => Object.values(budget).filter((value) => value !== undefined).length === 1,
      "to have one of steps, tokens and flops",
    ),
  )),
};

/** Schema of a complete spec, with all fields. */
export const specSchema: v.GenericSchema<unknown, SweepSpec> = v.strictObject(
  SPEC_FIELDS,
) as unknown as v.GenericSchema<
  unknown,
  SweepSpec
>;

/** Fields of a run that a spec states as a list of values: the list's name in the spec, and the schema of a value. */
export const LISTED = {
  tokenizer: { list: RUN_FIELDS.tokenizer.list.name, form: v.string() },
  T: { list: RUN_FIELDS.T.list.name, form: schemaOf(RUN_FIELDS.T) },
  seed: { list: RUN_FIELDS.seed.list.name, form: schemaOf(RUN_FIELDS.seed) },
  policy: { list: RUN_FIELDS.policy.list.name, form: policyName },
} as const;

/** Fields of a spec that are not fields of a run. */
export const OF_SWEEP: readonly string[] = [
  "name",
  "data",
  "axes",
  "zip",
  "when",
  "exclude",
  "budget",
  "floor",
  "seq",
  "vocab",
  "seeds",
];

/** Values for a spec without additional axes or a budget. */
export const NO_AXES = {
  axes: {},
  zip: [],
  when: [],
  exclude: [],
  budget: undefined,
  floor: 0,
} satisfies Partial<
  SweepSpec
>;

/** Default values of the fields that all runs share. */
const SHARED_DEFAULTS = Object.fromEntries(
  RUN_FIELD_ENTRIES.filter(([name]) => isShared(name)).map(([name, field]) => [name, field.default]),
) as unknown as SharedOptions;

/** The built-in sweep: sequence length × AMP × vocabulary × 2 seeds on Shakespeare, 16 runs of 102,400 tokens. */
export const DEFAULT_SWEEP: SweepSpec = {
  ...SHARED_DEFAULTS,
  ...NO_AXES,
  name: "default",
  data: "shakespeare",
  seq: [64, 128],
  policy: ["float32", "bf16-autocast"],
  vocab: ["character", "bpe:512"],
  seeds: [1, 2],
  tokensPerStep: 1024,
  minLr: undefined,
};

/** Returns the tokenizer of a run, as the narrower type. Validated specs contain only such names. */
export function tokenizerOf(run: RunSpec): TokenizerName {
  return run.tokenizer as TokenizerName;
}
