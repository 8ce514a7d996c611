/**
 * Batches of token windows: random ones for training, and all windows in order for evaluation. In both, y is x shifted
 * by one: y[i] is the token that follows x[i]. Plain arrays; making tensors of them is for `train`.
 *
 * @module
 */

import { formatCount, requireInteger } from "./_checks.ts";
import type { Random } from "./random.ts";

/** Inputs and targets. */
export interface Batch {
  /** Token ids, shape [B, T] in row-major order: row b, position t is at b * T + t. */
  readonly x: Int32Array;
  /** The token after each one of x, shape [B, T] in row-major order. */
  readonly y: Int32Array;
  /** Rows: windows in the batch. */
  readonly B: number;
  /** Columns: tokens in a window. */
  readonly T: number;
}

/**
 * Draws B windows of T tokens, each from a random start, all starts equally likely. The same tokens and the same
 * state of `random` give the same batch on every machine.
 *
 * @param tokens Token ids, shape [number of tokens], at least T + 1 of them.
 * @param options `B` and `T`, and the stream to draw from: B integers of `random` are used.
 * @throws {RangeError} if B or T is not an integer >= 1, or there are fewer than T + 1 tokens.
 */
export function getBatch(tokens: Int32Array, options: { B: number; T: number; random: Random }): Batch {
  const { B, T, random } = options;
  requireWindows(tokens.length, { B, T });
  const starts = Int32Array.from({ length: B }, () => random.integer(tokens.length - T));
  return gather(tokens, { starts, T });
}

/**
 * Windows of T tokens one after the other, in batches, for the loss over a whole validation part. Targets do not
 * overlap: window k has the inputs k·T ... k·T + T - 1 and the targets one later, so every token but the first is the
 * target of exactly one window, as far as whole windows reach. The fewer than T targets after the last whole window
 * are left out, since a shorter window would need another shape.
 *
 * @param tokens Token ids, shape [number of tokens], at least T + 1 of them.
 * @param options `B` and `T`; every batch has B rows but the last, which has what remains, 1 to B. `maxTokens`: stop
 * before there would be more targets than this (at least T; default: no limit).
 * @returns The batches in order, as an iterator to go through once.
 * @throws {RangeError} at once, if B or T is not an integer >= 1, there are fewer than T + 1 tokens or maxTokens is less
 * than T.
 */
export function evalWindows(
  tokens: Int32Array,
  options: { B: number; T: number; maxTokens?: number },
): Generator<Batch, void, undefined> {
  const { B, T, maxTokens = Infinity } = options;
  requireWindows(tokens.length, { B, T });
  if (maxTokens !== Infinity) {
    requireInteger(maxTokens, { action: "make evaluation windows", name: "maxTokens", min: T });
  }
  const windows = Math.floor(Math.min(tokens.length - 1, maxTokens) / T);
  return batchesInOrder(tokens, { B, T, windows });
}

function* batchesInOrder(
  tokens: Int32Array,
  { B, T, windows }: { B: number; T: number; windows: number },
): Generator<Batch, void, undefined> {
  for (let first = 0; first < windows; first += B) {
    const rows = Math.min(B, windows - first);
    yield gather(tokens, { starts: Int32Array.from({ length: rows }, (_, row) => (first + row) * T), T });
  }
}

/** Copies the windows that begin at the given starts. */
function gather(tokens: Int32Array, { starts, T }: { starts: Int32Array; T: number }): Batch {
  const B = starts.length;
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T);
  for (const [row, start] of starts.entries()) {
    x.set(tokens.subarray(start, start + T), row * T);
    y.set(tokens.subarray(start + 1, start + 1 + T), row * T);
  }
  return { x, y, B, T };
}

/** Refuses shapes that no batch can have, or that need more tokens than there are. */
function requireWindows(tokens: number, { B, T }: { B: number; T: number }): void {
  const action = "make batches";
  requireInteger(B, { action, name: "B", min: 1 });
  requireInteger(T, { action, name: "T", min: 1 });
  if (tokens === 0) {
    throw new RangeError(`Cannot ${action}: the corpus must have at least T + 1 tokens: it is empty`);
  }
  if (T >= tokens) {
    throw new RangeError(
      `Cannot ${action}: T must be < ${formatCount(tokens)} (tokens): T is ${formatCount(T)}`,
    );
  }
}
