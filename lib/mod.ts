/**
 * losskit: reproducible language-model loss experiments.
 *
 * The data's way: a corpus becomes tokens and batches (`text`), a GPT turns them into logits (`model`), the loss and
 * AdamW make a training step (`train`) that TensorFlow runs (`tensorflow`). A sweep plans runs and gives each a
 * process (`sweep`), which records itself (`record`); records become tables (`analysis`) and figures (`figure`).
 *
 * @module
 */
export * from "./analysis/mod.ts";
export { EXIT, UserError } from "./error/user_error.ts";
export * from "./figure/mod.ts";
export * from "./model/mod.ts";
export * from "./precision/mod.ts";
export * from "./record/mod.ts";
export * from "./sweep/mod.ts";
export * from "./tensorflow/mod.ts";
export * from "./text/mod.ts";
export * from "./train/mod.ts";
