/**
 * Model and batch shapes of the benchmark.
 *
 * @module
 */
import type { BenchConfig } from "./train_steps.ts";

/** Sizes of a model and its batches. */
export type Shape = Pick<BenchConfig, "n_layer" | "n_head" | "n_embd" | "vocab" | "seq" | "batch">;

/** Default shapes. */
export const SHAPES = {
  small: { n_layer: 4, n_head: 4, n_embd: 128, vocab: 65, seq: 64, batch: 12 },
  mid: { n_layer: 4, n_head: 4, n_embd: 256, vocab: 4096, seq: 256, batch: 8 },
  big: { n_layer: 6, n_head: 6, n_embd: 384, vocab: 65, seq: 256, batch: 8 },
  vocab: { n_layer: 2, n_head: 4, n_embd: 128, vocab: 50304, seq: 128, batch: 4 },
} satisfies Readonly<Record<string, Shape>>;
