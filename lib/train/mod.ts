/**
 * Loss, optimizers, step and loop.
 *
 * @module
 */
export {
  checkpointProgress,
  checkpointWeights,
  decodeCheckpoint,
  encodeCheckpoint,
  type Expected,
  type Progress,
} from "./checkpoint.ts";
export { addEvaluation, type EarlyStopConfig, type EvaluationHistory, NO_HISTORY } from "./early_stop.ts";
export {
  type BatchLosses,
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  targetLosses,
} from "./evaluate.ts";
export type { LossSums } from "../tensorflow/ops/blocked_cross_entropy.ts";
export {
  type BatchesOptions,
  type BatchOptions,
  batchTensors,
  Dataset,
  type TrainingBatch,
  type TrainingData,
} from "./dataset.ts";
export { type EvaluationEvent, type StepDone, train, type TrainEvent, type TrainOptions } from "./loop.ts";
export {
  createTrainer,
  Trainer,
  type TrainerEvaluateOptions,
  type TrainerEvaluation,
  type TrainingStep,
} from "./trainer.ts";
export type { Criterion, ResolvedOptions, TrainerOptions } from "./trainer_options.ts";
export {
  type BatchTensors,
  BLOCKED_ABOVE,
  IGNORE_INDEX,
  type LossConfig,
  meanLoss,
  type ScaledBatch,
  tokenLosses,
  trainingLoss,
} from "./loss.ts";
export { bitsPerByte, perplexity, positionLosses } from "./metrics.ts";
export {
  adamW,
  type AdamWConfig,
  globalNorm,
  initialOptimizerState,
  type Moments,
  movingAverage,
  type OptimizerConfig,
  type OptimizerState,
  sgd,
  type SgdConfig,
  type UpdateScalars,
  zeroMoments,
} from "./optimizer.ts";
export { type GradientError, Replay, type StepError } from "./replay.ts";
export type { Probes } from "./probes.ts";
export { learningRate, type ScheduleConfig, type ScheduleName, SCHEDULES } from "./schedule.ts";
export { disposeState, type StepConfig, type TrainState } from "./step.ts";
