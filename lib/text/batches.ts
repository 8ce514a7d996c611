/**
 * The stream of batches of a training run: random, sequential, or shuffled each epoch. A small cursor records the
 * position, from which the stream resumes exactly. `batch.ts` makes single batches.
 *
 * @module
 */
import { RUN_FIELDS } from "../options/run_fields.ts";
import { type Batch, gatherWindows, getBatch, requireWindows } from "./batch.ts";
import { createPermutation } from "./permutation.ts";
import { Windows } from "./_windows.ts";
import { createRandom, type RandomState } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/**
 * Sampling of windows. `random`: uniformly random starts. `sequential`: consecutive windows, starting over after the
 * last. `shuffled`: the sequential windows in a new order each epoch, so that every target occurs once per epoch.
 */
export type Sampling = typeof RUN_FIELDS.sampling.choices[number];

/** The names of the sampling methods. */
export const SAMPLINGS: readonly Sampling[] = RUN_FIELDS.sampling.choices;

/**
 * Position of a batch stream, as plain JSON: the generator's state for `random`, otherwise the number of windows taken.
 */
export type BatchCursor = RandomState | {
  /** Windows taken since the start of the run, over all epochs. */
  readonly windows: number;
};

/** An endless stream of batches. */
export interface BatchStream {
  /** True if targets may be {@linkcode IGNORE_INDEX}, in windows shorter than T. */
  readonly padded: boolean;
  /** Windows per epoch; for `random`, which has no epochs, the number of sequential windows of the text. */
  readonly windowsPerEpoch: number;
  /** Returns the next batch, always with B rows. A batch at the end of an epoch continues into the next epoch. */
  next(): Batch;
  /** Returns the current position. */
  cursor(): BatchCursor;
  /**
   * Moves to the position of a cursor.
   *
   * @throws {TypeError} If the cursor does not belong to this sampling method.
   */
  restore(cursor: BatchCursor): void;
}

/**
 * Opens the batches of a run at their start. Equal arguments give equal batches on every machine.
 *
 * If the tokens have documents, no window crosses a document boundary. Shorter windows are padded with 0 in x and
 * {@linkcode IGNORE_INDEX} in y. Without documents, `sequential` and `shuffled` pad only the last window, and `random`
 * none.
 *
 * @param tokens At least T + 1 tokens.
 * @param options `B`, `T`, the sampling method, and the run's `seed`.
 * @throws {RangeError} If B or T is not an integer >= 1, there are fewer than T + 1 tokens, or no document has 2
 * tokens.
 */
export function createBatches(
  tokens: Tokens,
  options: { B: number; T: number; sampling: Sampling; seed: number },
): BatchStream {
  const { B, T, sampling, seed } = options;
  requireWindows(tokens, { B, T });
  const windows = new Windows(tokens, T);
  const common = { windowsPerEpoch: windows.count };
  if (sampling === "random") {
    const random = createRandom(seed, "batches");
    const inDocuments = tokens.documentStarts !== undefined;
    return {
      ...common,
      padded: inDocuments,
      next: () =>
        inDocuments
          ? gatherWindows(tokens, {
            T,
            windows: draw(B, () => windows.around(random.integer(windows.targets))),
          })
          : getBatch(tokens, { B, T, random }),
      cursor: () => random.state(),
      restore: (cursor) => random.restore(cursor as RandomState), // throws for other values
    };
  }
  let taken = 0;
  let order = { epoch: -1, of: (place: number): number => place };
  const take = () => {
    const epoch = Math.floor(taken / windows.count);
    if (sampling === "shuffled" && order.epoch !== epoch) {
      order = { epoch, of: createPermutation(windows.count, createRandom(seed, `batches/${epoch}`)) };
    }
    return windows.at(order.of(taken++ % windows.count));
  };
  return {
    ...common,
    padded: windows.targets < windows.count * T,
    next: () => gatherWindows(tokens, { T, windows: draw(B, take) }),
    cursor: () => ({ windows: taken }),
    restore: (cursor) => {
      const windows = (cursor as { windows?: unknown }).windows;
      if (typeof windows !== "number" || !Number.isSafeInteger(windows) || windows < 0) {
        throw new TypeError(
          `Cannot resume ${sampling} batches: expected a cursor returned by cursor(), got ${
            JSON.stringify(cursor)
          }`,
        );
      }
      taken = windows;
    },
  };
}

function draw<T>(count: number, one: () => T): T[] {
  return Array.from({ length: count }, one);
}
