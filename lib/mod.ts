/**
 * losskit: reproducible language-model loss experiments.
 *
 * The program to begin with: `useTensorFlow`, `loadDataset`, `gpt`, `createTrainer`, `sweep`, `compare`. Everything else is
 * in subpaths, one per folder: `/tensorflow`, `/text`, `/model`, `/train`, `/run`, `/sweep`, `/proof`, `/cluster`, `/record`, `/analysis`, `/figure`,
 * `/notebook`, and `/study`, whose calls each do what one command does: `plan`, `sweep`, `compare`, `compareFolder`,
 * `findCulprit`, `verifyResume`, `report` and `exportRuns`.
 *
 * @module
 */
export { UserError } from "./error/user_error.ts";
// The runtime and its operations.
export {
  autocast,
  causalAttention,
  compile,
  type Compiled,
  crossEntropy,
  type CrossEntropyOptions,
  embedding,
  formatInfo,
  gelu,
  layerNorm,
  linear,
  type PolicyName,
  quantize,
  residual,
  type TensorFlow,
  TensorFlowError,
  trueDtype,
  useTensorFlow,
  type UseTensorFlowOptions,
} from "./tensorflow/mod.ts";
// Texts.
export type { Tokenizer } from "./text/mod.ts";
export { loadDataset, type LoadDatasetOptions, loadModel } from "./run/mod.ts";
export { type BatchesOptions, type BatchOptions, Dataset, type TrainingBatch } from "./train/mod.ts";
// Models.
export {
  describeModel,
  generate,
  type GenerateOptions,
  Gpt,
  gpt,
  type GptConfig,
  type GptOptions,
  type Parameters,
  saveGpt2,
} from "./model/mod.ts";
// Training.
export {
  bitsPerByte,
  createTrainer,
  type Criterion,
  perplexity,
  train,
  Trainer,
  type TrainerEvaluateOptions,
  type TrainerEvaluation,
  type TrainerOptions,
  type TrainEvent,
  type TrainingData,
  type TrainingStep,
  type TrainOptions,
} from "./train/mod.ts";
// Sweeps, their records and their comparison.
export {
  compare,
  compareFolder,
  type CompareOptions,
  exportRuns,
  findCulprit,
  type FindCulpritOptions,
  plan,
  report,
  type RunsComparison,
  type SettingVerdict,
  sweep,
  type SweepCallOptions,
  type SweepSpecInput,
  verifyResume,
} from "./study/mod.ts";
export { type Experiment, type ExperimentResult, runExperiment } from "./sweep/mod.ts";
export {
  explainRun as explain,
  type Explanation,
  type ReproduceOptions,
  reproduceRun as reproduce,
  type Reproduction,
} from "./proof/mod.ts";
export { readRun, readRuns, type RecordedRun, type RunSpec } from "./record/mod.ts";
export { formatTable, type Table, type Verdict } from "./analysis/mod.ts";
export { barFigure, type Curve, curveFigure, type Figure, figurePng, figureSvg } from "./figure/mod.ts";
// Notebooks.
export { help, livePlot, type LivePlotOptions, show, stopSignal } from "./notebook/mod.ts";
