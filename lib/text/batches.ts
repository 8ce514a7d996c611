/**
 * The stream of batches of a training run. The position in the stream is a small object, from which an interrupted run
 * resumes exactly. `batch.ts` makes single batches.
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
 * Sampling method of windows.
 *
 * - `random`: windows at uniformly random positions.
 * - `sequential`: consecutive windows. The first window follows the last one.
 * - `shuffled`: the windows of `sequential` in a new random order each epoch, so that every target occurs once per
 *   epoch.
 */
export type Sampling = typeof RUN_FIELDS.sampling.choices[number];

/** The names of the sampling methods. */
export const SAMPLINGS: readonly Sampling[] = RUN_FIELDS.sampling.choices;

/**
 * Position in a batch stream, as plain JSON. For the sampling method `random`, it is the state of the random generator.
 * For the other methods, it is the number of windows used so far.
 */
export type BatchCursor = RandomState | {
  /** Number of windows used since the start of the run, over all epochs. */
  readonly windows: number;
};

/** An endless stream of batches. */
export interface BatchStream {
  /** True if targets may be {@linkcode IGNORE_INDEX}, because some windows have fewer than T targets. */
  readonly padded: boolean;
  /** Number of windows per epoch. For `random`, which has no epochs, the number of `sequential` is given. */
  readonly windowsPerEpoch: number;
  /**
   * Returns the next batch, always with B rows. A batch at the end of an epoch contains windows of the next epoch, too.
   */
  next(): Batch;
  /** Returns the current position in the stream. */
  cursor(): BatchCursor;
  /**
   * Moves the stream to a position.
   *
   * @throws {TypeError} If the cursor does not belong to this sampling method.
   */
  restore(cursor: BatchCursor): void;
}

/**
 * Creates the batch stream of a run, at its start. Equal arguments give equal batches on every machine.
 *
 * Windows with fewer than T targets are padded with 0 in x and {@linkcode IGNORE_INDEX} in y. If
 * `tokens.documentStarts` is set, no window crosses a document boundary, so that the windows of short documents and the
 * last windows of documents can be padded. Otherwise, only the last window of `sequential` and `shuffled` can be
 * padded.
 *
 * @param tokens Token ids, at least T + 1.
 * @param options `B`: windows per batch. `T`: tokens per window. `sampling`: the sampling method. `seed`: the run's
 * seed.
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
