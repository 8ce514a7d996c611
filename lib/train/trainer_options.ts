/**
 * Options of a trainer and their defaults.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { type OptionsOf, type ValueOf, withDefaults } from "../options/run_field.ts";
import { TRAINER_FIELDS } from "../options/trainer_fields.ts";
import { WHOLE_FIELDS } from "../options/whole_fields.ts";
import type { PolicyName, PolicyWord } from "../precision/mod.ts";
import { fullPolicyName } from "../tensorflow/mod.ts";
import type { MuonConfig } from "./muon.ts";
import type { OptimizerConfig } from "./optimizer.ts";
import type { Optimizer, OwnOptimizerConfig } from "./own_optimizer.ts";
import type { Schedule, ScheduleName } from "./schedule.ts";

/** Options of a trainer. They have the same names and, unless noted, the same defaults as in a sweep's spec. */
export interface TrainerOptions extends
  OptionsOf<
    Omit<typeof TRAINER_FIELDS, "policy" | "loss" | "optimizer" | "schedule">
  > {
  /**
   * Precision policy. `off`: float32. `on`: autocast with bfloat16, with the operation lists of the device. Default:
   * float32.
   */
  readonly policy?: PolicyWord | undefined;
  /** Seed of dropout and stochastic rounding. Default: 1. */
  readonly seed?: number | undefined;
  /** Length of the learning rate schedule in steps. Default: unlimited, with a constant rate after the warm-up. */
  readonly steps?: number | undefined;
  /** Learning rate at the last step. Default: `lr` / 10. */
  readonly minLr?: number | undefined;
  /**
   * Learning rate schedule: the name of a schedule after the warm-up, or a function that returns the rate of a step.
   * Default: cosine, or constant if `steps` is not given.
   */
  readonly schedule?: ScheduleName | Schedule | undefined;
  /** Optimizer: `adamw`, `sgd`, `muon`, or a user-written optimizer. Default: adamw. */
  readonly optimizer?: typeof TRAINER_FIELDS.optimizer.choices[number] | Optimizer | undefined;
  /** Number of steps of linear warm-up. Default: 10, or 0 if `steps` is at most 10. */
  readonly warmupSteps?: number | undefined;
  /** Number of steps of decay at the end of the schedule `wsd`. Not used by other schedules. Default: `steps` / 10. */
  readonly decaySteps?: number | undefined;
  /**
   * A user-written loss that maps logits [B, T, V] and targets int32 [B, T] to a scalar. The function is traced into
   * the compiled step, so that it must consist of tensor operations. Default: the mean cross entropy.
   */
  readonly loss?: Criterion | undefined;
}

/** A user-written loss function. It maps logits [B, T, V] and targets int32 [B, T] to a scalar. */
export type Criterion = (logits: tf.Tensor3D, y: tf.Tensor2D) => tf.Tensor;

/** Execution of a step. `graph`: compiled, a native call per step. `eager`: a call per op. */
export type Execution = ValueOf<typeof TRAINER_FIELDS.execution>;

/** Options of a trainer, completed with defaults. The policy is a full name, such as `float32` for `off`. */
export type ResolvedOptions =
  & {
    readonly [K in Exclude<keyof TrainerOptions, "loss" | "policy">]-?: NonNullable<TrainerOptions[K]>;
  }
  & { readonly policy: PolicyName; readonly loss: Criterion | undefined };

/** Options with a default in the table. */
const { loss: _loss, ...PLAIN_FIELDS } = TRAINER_FIELDS;
const FIELDS = { ...PLAIN_FIELDS, seed: WHOLE_FIELDS.seed };

/** Default number of warm-up steps. */
const WARMUP = TRAINER_FIELDS.warmupSteps.default;

/**
 * Completes options with their defaults.
 *
 * @throws {RangeError} If an option is out of range.
 */
export function resolveTrainerOptions(given: TrainerOptions): ResolvedOptions {
  const { steps = Infinity, seed = 1, loss } = given;
  const isEndless = steps === Infinity;
  const options = withDefaults(
    FIELDS,
    {
      ...given,
      steps: isEndless ? undefined : steps,
      schedule: typeof given.schedule === "function" ? undefined : given.schedule,
      optimizer: typeof given.optimizer === "object" ? undefined : given.optimizer,
    },
    "create a trainer",
  );
  const schedule = given.schedule ?? (isEndless ? "constant" : "cosine");
  if (isEndless && schedule !== "constant" && typeof schedule !== "function") {
    throw new RangeError(
      `Cannot create a trainer: expected steps with the schedule ${schedule}, got ${given.steps ?? "none"}.`,
    );
  }
  return {
    ...{ ...options, schedule, steps, seed, loss },
    optimizer: given.optimizer ?? "adamw",
    policy: fullPolicyName(given.policy ?? "float32"),
    minLr: given.minLr ?? options.lr / 10,
    warmupSteps: given.warmupSteps ?? (steps <= WARMUP ? 0 : WARMUP),
    decaySteps: given.decaySteps ?? (schedule === "wsd" ? Math.max(1, Math.round(steps / 10)) : 0),
  };
}

/** Returns the settings of a trainer's optimizer. */
export function optimizerConfig(
  options:
    & Omit<OwnOptimizerConfig & MuonConfig, "optimizer">
    & Pick<ResolvedOptions, "optimizer" | "nesterov">,
): OptimizerConfig {
  const { optimizer } = options;
  if (typeof optimizer === "object") return { ...options, optimizer };
  switch (optimizer) {
    case "adamw":
      return { ...options, optimizer };
    case "sgd":
      return { ...options, optimizer };
    case "muon":
      return { ...options, optimizer };
  }
}
