/**
 * Batches of windows of tokens: random windows for training, and all windows in order for evaluation. The targets y are
 * the inputs x shifted by one: y[i] is the token after x[i]. Batches are typed arrays, which `lib/train` copies to
 * tensors. `batches.ts` yields all batches of a run.
 *
 * @module
 */

import { formatCount, requireInteger } from "./_checks.ts";
import { type Window, Windows } from "./_windows.ts";
import type { Random } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/**
 * Target value of positions that are excluded from the loss, such as padding. The default of PyTorch's `ignore_index`.
 */
export const IGNORE_INDEX: number = -100;

/** Inputs and targets of a step or of an evaluation's batch. */
export interface Batch {
  /** Inputs, token ids [B, T] in row-major order. Position t of row b has index b · T + t. */
  readonly x: Int32Array;
  /** Targets, [B, T] in row-major order: the token after each token of `x`, or {@linkcode IGNORE_INDEX} for padding. */
  readonly y: Int32Array;
  /** Number of windows in the batch. */
  readonly B: number;
  /** Number of tokens per window. */
  readonly T: number;
}

/**
 * Draws B random windows of T tokens. Every position is an equally likely start of a window. Document boundaries are
 * ignored. Equal tokens and equal states of `random` give the same batch on every machine.
 *
 * @param tokens Token ids, at least T + 1.
 * @param options `B`: number of windows. `T`: tokens per window. `random`: a random stream, from which B integers are
 * drawn.
 * @throws {RangeError} If B or T is not an integer >= 1, or there are fewer than T + 1 tokens.
 */
export function getBatch(tokens: Tokens, options: { B: number; T: number; random: Random }): Batch {
  const { B, T, random } = options;
  requireWindows(tokens, { B, T });
  const window = () => ({ start: random.integer(tokens.length - T), targets: T });
  return gatherWindows(tokens, { T, windows: Array.from({ length: B }, window) });
}

/**
 * Iterates over consecutive windows of T tokens in batches, for the loss over the validation split. Window k has the
 * tokens at k · T to k · T + T - 1 as inputs, and the tokens one position later as targets. Every token except the
 * first is thus a target in exactly one window. The last targets are dropped if they do not fill a window.
 *
 * If `tokens.documentStarts` is set, each document begins with a new window. Windows with fewer than T targets are
 * padded with 0 in x and {@linkcode IGNORE_INDEX} in y, and no target is dropped.
 *
 * @param tokens Token ids, at least T + 1.
 * @param options `B`: windows per batch. The last batch may have fewer. `T`: tokens per window. `maxTokens`: maximum
 * number of targets, at least T (default: no limit).
 * @returns The batches in order, as an iterator that can be consumed once.
 * @throws {RangeError} Immediately, if B or T is not an integer >= 1, there are fewer than T + 1 tokens, or maxTokens
 * is less than T.
 */
export function evalWindows(
  tokens: Tokens,
  options: { B: number; T: number; maxTokens?: number },
): Generator<Batch, void, undefined> {
  const { B, T, maxTokens = Infinity } = options;
  requireWindows(tokens, { B, T });
  if (maxTokens !== Infinity) {
    requireInteger(maxTokens, { action: "make evaluation windows", name: "maxTokens", min: T });
  }
  return batchesInOrder(tokens, { B, T, maxTokens });
}

function* batchesInOrder(
  tokens: Tokens,
  { B, T, maxTokens }: { B: number; T: number; maxTokens: number },
): Generator<Batch, void, undefined> {
  const all = new Windows(tokens, T);
  const fillsUp = tokens.documentStarts !== undefined;
  let windows: Window[] = [], targets = 0;
  for (let k = 0; k < all.count; k++) {
    const window = all.at(k);
    if (!fillsUp && window.targets < T || targets + window.targets > maxTokens) break;
    targets += window.targets;
    windows.push(window);
    if (windows.length < B) continue;
    yield gatherWindows(tokens, { T, windows });
    windows = [];
  }
  if (windows.length > 0) yield gatherWindows(tokens, { T, windows });
}

/**
 * Copies windows into the rows of a batch. Windows with fewer than T targets are padded.
 *
 * @param tokens Token ids.
 * @param options `T`: tokens per row. `windows`: the windows of the batch.
 */
export function gatherWindows(
  tokens: Tokens,
  { T, windows }: { T: number; windows: readonly Window[] },
): Batch {
  const B = windows.length;
  const x = new Int32Array(B * T);
  const y = new Int32Array(B * T).fill(IGNORE_INDEX);
  for (const [row, { start, targets }] of windows.entries()) {
    const stretch = tokens.subarray(start, start + targets + 1);
    x.set(stretch.subarray(0, targets), row * T);
    y.set(stretch.subarray(1), row * T);
  }
  return { x, y, B, T };
}

/**
 * Requires that batches of B windows of T tokens can be made from tokens.
 *
 * @throws {RangeError} If B or T is not an integer >= 1, there are fewer than T + 1 tokens, or no document has 2
 * tokens.
 */
export function requireWindows(tokens: Tokens, { B, T }: { B: number; T: number }): void {
  const action = "make batches";
  const { length, documentStarts } = tokens;
  requireInteger(B, { action, name: "B", min: 1 });
  requireInteger(T, { action, name: "T", min: 1 });
  if (length === 0) {
    throw new RangeError(`Cannot ${action}: expected at least T + 1 tokens, got an empty corpus`);
  }
  if (T >= length) {
    throw new RangeError(
      `Cannot ${action}: expected T < ${formatCount(length)} (tokens), got ${formatCount(T)}`,
    );
  }
  if (documentStarts !== undefined && new Windows(tokens, T).count === 0) {
    throw new RangeError(
      `Cannot ${action}: expected a document with at least 2 tokens, got ${
        formatCount(documentStarts.length)
      } shorter ones`,
    );
  }
}
