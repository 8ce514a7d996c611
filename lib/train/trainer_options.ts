/**
 * Options of a trainer and their defaults.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { RUN_FIELD_ENTRIES, RUN_FIELDS, unmetRange } from "../options/run_fields.ts";
import type { PrecisionOverride } from "../precision/mod.ts";
import type { PolicyName } from "../tensorflow/mod.ts";
import type { ScheduleName } from "./schedule.ts";

/** Options of a trainer. They have the same names as in a sweep's spec. */
export interface TrainerOptions {
  /** Precision policy. Default: float32. */
  readonly policy?: PolicyName | undefined;
  /** Formats of layers and operation classes, which override the policy. Default: none. */
  readonly overrides?: readonly PrecisionOverride[] | undefined;
  /** `graph`: a step is one native call; `eager`: op by op. Default: graph. */
  readonly execution?: typeof RUN_FIELDS.execution.choices[number] | undefined;
  /** Seed of dropout and stochastic rounding. Default: 1. */
  readonly seed?: number | undefined;
  /** Length of the learning rate schedule. Default: none; the rate stays constant after the warm-up. */
  readonly steps?: number | undefined;
  /** Peak learning rate, reached after the warm-up. Default: 1e-3. */
  readonly lr?: number | undefined;
  /** Learning rate at the last step. Default: `lr` / 10. */
  readonly minLr?: number | undefined;
  /** Schedule after the warm-up. Default: cosine, or constant without `steps`. */
  readonly schedule?: ScheduleName | undefined;
  /** Steps of linear warm-up. Default: 10, or 0 if `steps` is at most 10. */
  readonly warmupSteps?: number | undefined;
  /** Steps of decay at the end of `wsd`. Default: a tenth of `steps` with the schedule `wsd`. */
  readonly decaySteps?: number | undefined;
  /** Optimizer. Default: adamw. */
  readonly optimizer?: typeof RUN_FIELDS.optimizer.choices[number] | undefined;
  /** SGD's momentum, in [0, 1). Default: 0. */
  readonly momentum?: number | undefined;
  /** True for Nesterov's form of SGD's momentum. Default: false. */
  readonly nesterov?: boolean | undefined;
  /** AdamW's first decay rate, in [0, 1). Default: 0.9. */
  readonly beta1?: number | undefined;
  /** AdamW's second decay rate, in [0, 1). Default: 0.99. */
  readonly beta2?: number | undefined;
  /** AdamW's epsilon. Default: 1e-8. */
  readonly eps?: number | undefined;
  /** Weight decay of parameters of rank 2 and more. Default: 0.1. */
  readonly weightDecay?: number | undefined;
  /** Largest global gradient norm; 0: no clipping. Default: 1. */
  readonly clip?: number | undefined;
  /** Number of micro-batches per step, a divisor of B. Default: 1. */
  readonly accumulate?: number | undefined;
  /** Decay of the weights' moving average, in [0, 1); 0: none. Default: 0. */
  readonly emaDecay?: number | undefined;
  /** Epsilon of label smoothing in the objective; reported losses exclude it. Default: 0. */
  readonly labelSmoothing?: number | undefined;
  /** Coefficient of the z-loss, (log Z)², in the objective; reported losses exclude it. Default: 0. */
  readonly zLoss?: number | undefined;
  /**
   * A custom loss: from logits [B, T, V] and targets int32 [B, T] to a scalar. It is traced into the compiled step, so
   * it must consist of tensor operations. Default: the mean cross entropy.
   */
  readonly loss?: Criterion | undefined;
}

/** A loss function from logits [B, T, V] and targets int32 [B, T] to a scalar. */
export type Criterion = (logits: tf.Tensor3D, y: tf.Tensor2D) => tf.Tensor;

/** Options of a trainer, completed with defaults. */
export type ResolvedOptions =
  & { readonly [K in Exclude<keyof TrainerOptions, "loss">]-?: NonNullable<TrainerOptions[K]> }
  & { readonly loss: Criterion | undefined };

/** Options with the same defaults as a run. */
const OF_RUN = [
  "overrides",
  "execution",
  "lr",
  "optimizer",
  "momentum",
  "nesterov",
  "beta1",
  "beta2",
  "eps",
  "weightDecay",
  "clip",
  "accumulate",
  "emaDecay",
  "labelSmoothing",
  "zLoss",
] as const satisfies readonly (keyof typeof RUN_FIELDS & keyof TrainerOptions)[];

/** Defaults that do not depend on other options. */
const DEFAULTS = {
  ...Object.fromEntries(OF_RUN.map((name) => [name, RUN_FIELDS[name].default])),
  policy: "float32",
  seed: 1,
  loss: undefined,
} as const;

/** Default number of warm-up steps. */
const WARMUP = RUN_FIELDS.warmupSteps.default;

/**
 * Completes options with their defaults.
 *
 * @throws {RangeError} if an option is out of range.
 */
export function resolveTrainerOptions(given: TrainerOptions): ResolvedOptions {
  const known = Object.fromEntries(
    Object.keys(DEFAULTS).flatMap((name) => {
      const value = given[name as keyof TrainerOptions];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const options = { ...DEFAULTS, ...known } as unknown as ResolvedOptions;
  const { steps = Infinity } = given;
  const schedule = given.schedule ?? (given.steps === undefined ? "constant" : "cosine");
  const resolved: ResolvedOptions = {
    ...options,
    schedule,
    steps,
    minLr: given.minLr ?? options.lr / 10,
    warmupSteps: given.warmupSteps ?? (steps <= WARMUP ? 0 : WARMUP),
    decaySteps: given.decaySteps ?? (schedule === "wsd" ? Math.max(1, Math.round(steps / 10)) : 0),
  };
  requireInRange(resolved);
  return resolved;
}

function requireInRange(options: ResolvedOptions): void {
  const refuse = (name: string, wanted: string): never => {
    throw new RangeError(
      `Cannot create a trainer: expected ${name} ${wanted}, got ${options[name as keyof ResolvedOptions]}.`,
    );
  };
  for (const [name, field] of RUN_FIELD_ENTRIES) {
    if (!Object.hasOwn(options, name) || !["whole", "number"].includes(field.type)) continue;
    const unmet = unmetRange(field, options[name as keyof ResolvedOptions]);
    const isEndless = name === "steps" && options.steps === Infinity;
    if (unmet !== undefined && !isEndless) refuse(name, `to be ${unmet}`);
  }
  if (options.steps === Infinity && options.schedule !== "constant") {
    refuse("steps", `with the schedule ${options.schedule}`);
  }
}
