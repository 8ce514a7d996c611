/**
 * Training: losses, optimizers, the training step, evaluation and the training loop.
 *
 * @module
 */
export {
  checkpointProgress,
  checkpointWeights,
  decodeCheckpoint,
  type Expected,
  type Progress,
} from "./checkpoint.ts";
export { type EarlyStopConfig, type EvaluationHistory } from "./early_stop.ts";
export {
  type BatchLosses,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  TargetLosses,
} from "./evaluate.ts";
export { evaluateQuantized, type Quantization, type QuantizedEvaluation } from "./evaluate_quantized.ts";
export type { LossSums } from "../tensorflow/ops/blocked_cross_entropy.ts";
export {
  type BatchesOptions,
  type BatchOptions,
  Dataset,
  type TrainingBatch,
  type TrainingData,
} from "./dataset.ts";
export { type EvaluationEvent, type StepDone, train, type TrainEvent, type TrainOptions } from "./loop.ts";
export type { Origin, Pass } from "../tensorflow/precision/watch.ts";
export { findNonFinite, type NonFinite, type NonFinitePlace, type ReplayedRun } from "./non_finite.ts";
export {
  createTrainer,
  Trainer,
  type TrainerEvaluateOptions,
  type TrainerEvaluation,
  type TrainingStep,
} from "./trainer.ts";
export {
  type Criterion,
  type Execution,
  optimizerConfig,
  type ResolvedOptions,
  type TrainerOptions,
} from "./trainer_options.ts";
export {
  type BatchTensors,
  BLOCKED_ABOVE,
  IGNORE_INDEX,
  type LossConfig,
  type ScaledBatch,
  tokenLosses,
} from "./loss.ts";
export { bitsPerByte, perplexity } from "./metrics.ts";
export {
  type AdamWConfig,
  type Moments,
  type OptimizerConfig,
  type OptimizerState,
  sgd,
  type SgdConfig,
  type UpdateScalars,
  zeroMoments,
} from "./optimizer.ts";
export type { MuonConfig } from "./muon.ts";
export type { GradientError } from "./gradient_error.ts";
export { Replay, type ReplayConfig, type StepError } from "./replay.ts";
export type { Probes } from "./probes.ts";
export type { Optimizer, OptimizerInput, OptimizerSlots, OwnOptimizerConfig } from "./own_optimizer.ts";
export { learningRate, type Schedule, type ScheduleConfig, type ScheduleName } from "./schedule.ts";
export { disposeState, type StepConfig, type TrainState } from "./step.ts";
