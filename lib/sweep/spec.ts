/**
 * The spec of a sweep: its fields, the form of each, and what they are when they are left out. How they are checked is in
 * `parse_spec.ts`, what runs they make in `expand.ts`.
 *
 * @module
 */
import * as v from "valibot";
import { RUN_FIELD_ENTRIES, type RunField } from "../options/run_fields.ts";
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

/** `most` is what no machine has; numbers beyond it would only be waited for. */
const whole = (least: number, most = 1e9) =>
  v.pipe(
    v.number(),
    v.integer("must be a whole number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
/** The greatest real number of a field: beyond it training is over at the first step. */
const MOST = 1e6;
/** A budget: more steps than the most that `steps` takes are refused once they are known. */
const amount = v.pipe(v.number(), v.gtValue(0, "must be above 0"), v.maxValue(1e30, "must be at most 1e+30"));
const some = <S extends v.GenericSchema>(item: S) =>
  v.pipe(
    v.array(item),
    v.minLength(1, "must have at least one value"),
    v.check((list) => new Set(list).size === list.length, "must not repeat a value"),
  );

const oneOf = <const O extends readonly string[]>(options: O) =>
  v.picklist(options, ({ received }) => `must be one of ${options.join(", ")}: it is ${received}`);

/** The options of a single run that a sweep shares among its runs. */
export type SharedOptions = Omit<
  RunSpec,
  "data" | "tokenizer" | "T" | "B" | "policy" | "threads" | "seed" | "minLr"
>;

/** How much each run trains: one of the three. */
export interface Budget {
  /** Training steps. */
  readonly steps?: number | undefined;
  /** Training tokens, to the nearest step. */
  readonly tokens?: number | undefined;
  /** Floating-point operations of training as `flopsPerToken` counts them, to the last step that they pay for. */
  readonly flops?: number | undefined;
}

/** A checked spec; the options that are not listed here are those of {@linkcode RunSpec}. */
export interface SweepSpec extends SharedOptions {
  /** What to call the sweep; the name of its folder by default. */
  name: string;
  /**
   * `shakespeare`, `markov` with or without parameters (`data/README.md`), the path of a text file in UTF-8 or of a folder
   * of such, or a pattern; or a list of these.
   */
  data: string | string[];
  /** Axis: T, tokens in a sequence; each divides `tokensPerStep`. */
  seq: number[];
  /** Axis: precision policies. */
  policy: PolicyName[];
  /** Axis: tokenizers, `character`, `byte`, `gpt2` or `bpe:V`. */
  vocab: string[];
  /** Axis: seeds of initial weights and batches, at least 0. */
  seeds: number[];
  /** B · T, the same for every T, so that runs see equally many tokens. */
  tokensPerStep: number;
  /** Learning rate at the last step, at most `lr`. Default: a tenth of each run's `lr`. */
  minLr?: number | undefined;
  /** More axes: any field of a run (`T`, `policy`, `tokenizer`, `seed`, `lr`, …) and its values. Default: none. */
  axes: Axes;
  /** Axes whose fields go together: the first values, the second values, and so on. Default: none. */
  zip: Axes[];
  /** What fields become in some runs. Applied in order, before `exclude`. Default: nothing. */
  when: When[];
  /** Runs to leave out: those that any of these conditions fits. Default: none. */
  exclude: Condition[];
  /** In place of `steps`. Default: `steps` says it. */
  budget?: Budget | undefined;
}

const policyName = v.pipe(
  v.string(),
  v.rawTransform<string, PolicyName>(({ dataset, addIssue, NEVER }) => {
    try {
      describePolicy(dataset.value);
      return dataset.value as PolicyName;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  }),
);

const corpusName = v.pipe(v.string(), v.minLength(1, "must name a corpus"));

/** Fields of a run that a spec has lists for, or that follow from others. */
const OF_RUN: readonly string[] = ["data", "tokenizer", "T", "B", "policy", "threads", "seed"];

/** Whether a field of a run is a field of a spec, one value for all runs. */
function isShared(name: string): boolean {
  return !OF_RUN.includes(name);
}

/** The form of a field in a spec, with its range. */
function schemaOf(field: RunField): v.GenericSchema {
  const { type, choices, least = 0, most = MOST, above, below } = field;
  if (choices !== undefined) return oneOf(choices);
  if (type === "whole") return whole(least, field.most);
  if (type === "flag") return v.boolean("must be true or false");
  if (type === "text") return v.string("must be a text");
  if (type === "overrides") return overridesSchema;
  if (type === "tokens") {
    return v.union([whole(least), v.literal("all")], `must be a whole number of at least ${least}, or all`);
  }
  const low = above === undefined
    ? v.minValue<number, number, string>(least, `must be at least ${least}`)
    : v.gtValue<number, number, string>(above, `must be above ${above}`);
  const high = below === undefined
    ? v.maxValue<number, number, string>(most, `must be at most ${most}`)
    : v.ltValue<number, number, string>(below, `must be below ${below}`);
  const number = v.pipe(v.number(), low, high);
  return field.default === undefined ? v.optional(number) : number;
}

/** The form of each field. */
export const SPEC_FIELDS: Readonly<Record<string, v.GenericSchema>> = {
  name: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be letters, digits, '.', '_' and '-'"),
  ),
  data: v.union(
    [corpusName, v.pipe(v.array(corpusName), v.minLength(1, "must name a corpus"))],
    "must name a corpus, or be a list of names",
  ),
  seq: some(whole(1)),
  policy: some(policyName),
  vocab: some(v.string()),
  seeds: some(whole(0, Number.MAX_SAFE_INTEGER)),
  tokensPerStep: whole(1),
  ...Object.fromEntries(
    RUN_FIELD_ENTRIES.filter(([name]) => isShared(name)).map(([name, field]) => [name, schemaOf(field)]),
  ),
  axes: axesSchema,
  zip: zipSchema,
  when: whenSchema,
  exclude: excludeSchema,
  budget: v.optional(v.pipe(
    v.strictObject({
      steps: v.optional(whole(1)),
      tokens: v.optional(amount),
      flops: v.optional(amount),
    }),
    v.check(
      (budget) => Object.values(budget).filter((value) => value !== undefined).length === 1,
      "must have one of steps, tokens and flops",
    ),
  )),
};

/** The form of a whole spec. */
export const specSchema: v.GenericSchema<unknown, SweepSpec> = v.strictObject(
  SPEC_FIELDS,
) as unknown as v.GenericSchema<
  unknown,
  SweepSpec
>;

/** A run's fields that are lists of their own in a spec, with the list's name and the form of a value. */
export const LISTED = {
  tokenizer: { list: "vocab", form: v.string() },
  T: { list: "seq", form: whole(1) },
  seed: { list: "seeds", form: whole(0, Number.MAX_SAFE_INTEGER) },
  policy: { list: "policy", form: policyName },
} as const;

/** Fields of a spec that no run has a value of its own for. */
export const OF_SWEEP: readonly string[] = [
  "name",
  "data",
  "axes",
  "zip",
  "when",
  "exclude",
  "budget",
  "seq",
  "vocab",
  "seeds",
];

/** No axes but the lists, and no budget but `steps`. */
export const NO_AXES = { axes: {}, zip: [], when: [], exclude: [], budget: undefined } satisfies Partial<
  SweepSpec
>;

/** The built-in sweep's values of the fields that all runs share. */
const SHARED_DEFAULTS = Object.fromEntries(
  RUN_FIELD_ENTRIES.filter(([name]) => isShared(name)).map(([name, field]) => [name, field.default]),
) as unknown as SharedOptions;

/**
 * The built-in sweep: sequence length × AMP × vocabulary × 2 seeds on Shakespeare, 16 runs of 102,400 tokens.
 */
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

/** A run's tokenizer, as `text` names it. Specs are checked before they become runs. */
export function tokenizerOf(run: RunSpec): TokenizerName {
  return run.tokenizer as TokenizerName;
}
