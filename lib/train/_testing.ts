/**
 * Inputs of tests of training steps.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { GptConfig } from "../model/mod.ts";
import { createRandom } from "../text/mod.ts";
import type { BatchTensors } from "./loss.ts";

/** A model of two layers with V = 23 and T = 8. */
export const TINY: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 16, vocabSize: 23, blockSize: 8 };

/** Returns a batch of random tokens for {@linkcode TINY}, int32 [4, 8]. The same at each call. */
export function tinyBatch(rows = 4): BatchTensors {
  const random = createRandom(9, "batch");
  const ids = () =>
    tf.tensor2d(Int32Array.from({ length: rows * 8 }, () => random.integer(23)), [rows, 8], "int32");
  return { x: ids(), y: ids() };
}
