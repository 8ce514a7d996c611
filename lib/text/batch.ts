/**
 * Batches of token windows: random windows for training, and all windows in order for evaluation. In both, y is x
 * shifted by one: y[i] is the token after x[i]. Batches are plain arrays; `lib/train` converts them to tensors.
 * `batches.ts` provides all batches of a run.
 *
 * @module
 */

import { formatCount, requireInteger } from "./_checks.ts";
import { type Window, Windows } from "./_windows.ts";
import type { Random } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/** Target of positions that are excluded from the loss, such as padding. Equal to PyTorch's `ignore_index`. */
export const IGNORE_INDEX: number = -100;

/** Inputs and targets of a step. */
export interface Batch {
  /** Token ids, shape [B, T] in row-major order: row b, position t is at b * T + t. */
  readonly x: Int32Array;
  /** The token after each token of x, shape [B, T] in row-major order; {@linkcode IGNORE_INDEX} for padding. */
  readonly y: Int32Array;
  /** Batch size: number of windows. */
  readonly B: number;
  /** Sequence length: tokens per window. */
  readonly T: number;
}

/**
 * Draws B windows of T tokens. Every start is equally likely; document boundaries are ignored. Equal tokens and equal
 * states of `random` give the same batch on every machine.
 *
 * @param tokens Token ids, at least T + 1.
 * @param options `B`, `T`, and the stream `random`, from which B integers are drawn.
 * @throws {RangeError} If B or T is not an integer >= 1, or there are fewer than T + 1 tokens.
 */
export function getBatch(tokens: Tokens, options: { B: number; T: number; random: Random }): Batch {
  const { B, T, random } = options;
  requireWindows(tokens, { B, T });
  const window = () => ({ start: random.integer(tokens.length - T), targets: T });
  return gatherWindows(tokens, { T, windows: Array.from({ length: B }, window) });
}

/**
 * Iterates over consecutive windows of T tokens, in batches, for the loss over the whole validation split. Window k has
 * the inputs k·T ... k·T + T - 1, and the targets one position later. Every token except the first is thus the target
 * of exactly one window. The remainder of fewer than T targets is dropped, since a shorter window would need another
 * shape.
 *
 * If the tokens have documents, windows start anew in each document. Short windows are padded with 0 in x and
 * {@linkcode IGNORE_INDEX} in y, and nothing is dropped.
 *
 * @param tokens Token ids, at least T + 1.
 * @param options `B` and `T`; the last batch may have fewer than B rows. `maxTokens`: maximum number of targets, at
 * least T. Default: no limit.
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

/** Copies windows into the rows of a batch, and pads windows shorter than T. */
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
 * Checks that batches of a shape can be made from tokens.
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
