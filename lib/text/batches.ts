/**
 * The batches of a training run, one after the other: from random places, in order, or in a new order each epoch. Where
 * it stands is a small cursor, from which it goes on exactly. A single batch is `batch.ts`.
 *
 * @module
 */
import { RUN_FIELDS } from "../options/run_fields.ts";
import { type Batch, gatherWindows, getBatch, requireWindows } from "./batch.ts";
import { createPermutation } from "./_permutation.ts";
import { Windows } from "./_windows.ts";
import { createRandom, type RandomState } from "./random.ts";
import type { Tokens } from "./tokens.ts";

/**
 * How windows are chosen. `random`: each from a random place, all places equally likely. `sequential`: one after the
 * other, and from the start again after the last. `shuffled`: the same windows in a new order each epoch, so that every
 * target counts once an epoch.
 */
export type Sampling = "random" | "sequential" | "shuffled";

/** The names of the ways to choose windows. */
export const SAMPLINGS: readonly ["random", "sequential", "shuffled"] = RUN_FIELDS.sampling.choices;

/** Where a stream of batches stands, as plain JSON: the state of `random`, or the windows that were taken. */
export type BatchCursor = RandomState | {
  /** Windows taken since the run's start, over all epochs. */
  readonly windows: number;
};

/** Batches without end. */
export interface BatchStream {
  /** Whether targets may be {@linkcode IGNORE_INDEX}: in windows shorter than T. */
  readonly padded: boolean;
  /** Windows of an epoch; `random`, which has no epochs: of a pass over the text. */
  readonly windowsPerEpoch: number;
  /** The next batch, always of B rows: a batch at an epoch's end goes on into the next one. */
  next(): Batch;
  /** Where it stands. */
  cursor(): BatchCursor;
  /**
   * Goes back, or on, to where a cursor was taken.
   *
   * @throws {TypeError} if it is no cursor of this way to choose.
   */
  restore(cursor: BatchCursor): void;
}

/**
 * Opens the batches of a run at their start. Equal arguments give equal batches on every machine.
 *
 * Where the tokens know their documents, no window reaches across two: a shorter one is filled up, with 0 in x and
 * {@linkcode IGNORE_INDEX} in y. Otherwise `sequential` and `shuffled` fill up the last window alone, and `random` none.
 *
 * @param tokens At least T + 1 of them.
 * @param options `B`, `T`, how to choose, and the run's `seed`.
 * @throws {RangeError} if B or T is not an integer >= 1, or there are fewer than T + 1 tokens, or no two in one document.
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
      restore: (cursor) => random.restore(cursor as RandomState), // refuses what is none
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
          `Cannot go on with ${sampling} batches: the cursor must be one that cursor() gave: it is ${
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
