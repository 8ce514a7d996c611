/**
 * Batches of token windows: random ones for training, and all windows in order for evaluation. In both, y is x shifted
 * by one: y[i] is the token that follows x[i]. Plain arrays; making tensors of them is for `train`. The batches of a
 * whole run are `batches.ts`.
 *
 * @module
 */

import { formatCount, requireInteger } from "./_checks.ts";
import { type Window, Windows } from "./_windows.ts";
import type { Random } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/** The target of a position that does not count, such as those that fill up a short window: PyTorch's `ignore_index`. */
export const IGNORE_INDEX: number = -100;

/** Inputs and targets. */
export interface Batch {
  /** Token ids, shape [B, T] in row-major order: row b, position t is at b * T + t. */
  readonly x: Int32Array;
  /** The token after each one of x, shape [B, T] in row-major order; {@linkcode IGNORE_INDEX} where there is none. */
  readonly y: Int32Array;
  /** Rows: windows in the batch. */
  readonly B: number;
  /** Columns: tokens in a window. */
  readonly T: number;
}

/**
 * Draws B windows of T tokens, each from a random start, all starts equally likely, wherever documents begin. The same
 * tokens and the same state of `random` give the same batch on every machine.
 *
 * @param tokens Token ids, at least T + 1 of them.
 * @param options `B` and `T`, and the stream to draw from: B integers of `random` are used.
 * @throws {RangeError} if B or T is not an integer >= 1, or there are fewer than T + 1 tokens.
 */
export function getBatch(tokens: Tokens, options: { B: number; T: number; random: Random }): Batch {
  const { B, T, random } = options;
  requireWindows(tokens, { B, T });
  const window = () => ({ start: random.integer(tokens.length - T), targets: T });
  return gatherWindows(tokens, { T, windows: Array.from({ length: B }, window) });
}

/**
 * Windows of T tokens one after the other, in batches, for the loss over a whole validation part. Targets do not
 * overlap: window k has the inputs k·T ... k·T + T - 1 and the targets one later, so every token but the first is the
 * target of exactly one window, as far as whole windows reach. The fewer than T targets after the last whole window
 * are left out, since a shorter window would need another shape.
 *
 * Where the tokens know their documents, windows begin anew in each, and short ones are filled up, with 0 in x and
 * {@linkcode IGNORE_INDEX} in y: none is left out.
 *
 * @param tokens Token ids, at least T + 1 of them.
 * @param options `B` and `T`; every batch has B rows but the last, which has what remains, 1 to B. `maxTokens`: stop
 * before there would be more targets than this (at least T; default: no limit).
 * @returns The batches in order, as an iterator to go through once.
 * @throws {RangeError} at once, if B or T is not an integer >= 1, there are fewer than T + 1 tokens or maxTokens is less
 * than T.
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

/** Copies windows into the rows of a batch, and fills up those that are shorter than T. */
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

/** Refuses shapes that no batch can have, or that need more tokens than there are. */
export function requireWindows(tokens: Tokens, { B, T }: { B: number; T: number }): void {
  const action = "make batches";
  const { length, documentStarts } = tokens;
  requireInteger(B, { action, name: "B", min: 1 });
  requireInteger(T, { action, name: "T", min: 1 });
  if (length === 0) {
    throw new RangeError(`Cannot ${action}: the corpus must have at least T + 1 tokens: it is empty`);
  }
  if (T >= length) {
    throw new RangeError(
      `Cannot ${action}: T must be < ${formatCount(length)} (tokens): T is ${formatCount(T)}`,
    );
  }
  if (documentStarts !== undefined && new Windows(tokens, T).count === 0) {
    throw new RangeError(
      `Cannot ${action}: a document must have at least 2 tokens: none of ${
        formatCount(documentStarts.length)
      } has`,
    );
  }
}
