/**
 * Loss, optimizer, step and loop.
 *
 * @module
 */
export { checkpointStep, decodeCheckpoint, encodeCheckpoint, type Progress } from "./checkpoint.ts";
export { evaluate, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
export { train, type TrainEvent, type TrainOptions } from "./loop.ts";
export { type BatchTensors, meanLoss, tokenLosses } from "./loss.ts";
export { adamW, type AdamWConfig, globalNorm, type Moments, zeroMoments } from "./optimizer.ts";
export { learningRate, type ScheduleConfig } from "./schedule.ts";
export {
  createTrainStep,
  lossAndGradients,
  type StepConfig,
  type StepResult,
  type TrainState,
  type TrainStep,
} from "./step.ts";
