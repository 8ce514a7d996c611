/**
 * Model and batch shapes of the benchmark.
 *
 * @module
 */
import { list } from "../../lib/cli/command.ts";
import { UserError } from "../../lib/error/user_error.ts";
import type { BenchConfig } from "./train_steps.ts";

/** Architecture, sizes of a model, and its batches. */
export type Shape = Pick<
  BenchConfig,
  "architecture" | "n_layer" | "n_head" | "n_kv_head" | "n_embd" | "vocab" | "seq" | "batch"
>;

/** Default shapes. */
export const SHAPES = {
  tiny: { n_layer: 1, n_head: 2, n_embd: 32, vocab: 84, seq: 16, batch: 4 },
  mini: { n_layer: 2, n_head: 2, n_embd: 64, vocab: 65, seq: 32, batch: 8 },
  small: { n_layer: 4, n_head: 4, n_embd: 128, vocab: 65, seq: 64, batch: 12 },
  narrow: { n_layer: 5, n_head: 5, n_embd: 160, vocab: 300, seq: 96, batch: 10 },
  heads: { n_layer: 3, n_head: 8, n_embd: 256, vocab: 1000, seq: 192, batch: 6 },
  long: { n_layer: 2, n_head: 4, n_embd: 128, vocab: 256, seq: 1024, batch: 2 },
  mid: { n_layer: 4, n_head: 4, n_embd: 256, vocab: 4096, seq: 256, batch: 8 },
  big: { n_layer: 6, n_head: 6, n_embd: 384, vocab: 65, seq: 256, batch: 8 },
  table: { n_layer: 2, n_head: 6, n_embd: 384, vocab: 8000, seq: 128, batch: 8 },
  "llama-small": {
    ...{ architecture: "llama", n_layer: 4, n_head: 4, n_embd: 128 },
    ...{ vocab: 4096, seq: 128, batch: 8 },
  },
  "llama-big": {
    ...{ architecture: "llama", n_layer: 6, n_head: 6, n_kv_head: 2, n_embd: 384 },
    ...{ vocab: 4096, seq: 256, batch: 8 },
  },
  vocab: { n_layer: 2, n_head: 4, n_embd: 128, vocab: 50304, seq: 128, batch: 4 },
} satisfies Readonly<Record<string, Shape>>;

/**
 * Returns the shapes of a comma-separated list, with their names.
 *
 * @throws {UserError} If a name is unknown.
 */
export function namedShapes(names: string): [name: string, shape: Shape][] {
  return list(names).map((name) => {
    const shape = (SHAPES as Readonly<Record<string, Shape>>)[name];
    if (shape !== undefined) return [name, shape];
    throw new UserError(
      `Cannot use --shapes: expected a list of ${Object.keys(SHAPES).join(", ")}, got ${name}.`,
    );
  });
}
