/**
 * A tokenized text, and its batches as tensors.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import * as tf from "@tensorflow/tfjs";
import {
  type Batch,
  createBatches,
  type PreparedCorpus,
  type Sampling,
  type Tokenizer,
  type Tokens,
} from "../text/mod.ts";

/** A batch to train on. */
export interface TrainingBatch {
  /** Token ids, int32 [B, T]. */
  readonly x: tf.Tensor2D;
  /** Targets, int32 [B, T]: the token after each of `x`, or -100 for positions excluded from the loss. */
  readonly y: tf.Tensor2D;
  /** False promises that `y` does not contain -100, which saves the mask of the loss. Default: true. */
  readonly padded?: boolean | undefined;
}

/** The parts of a dataset that training requires. */
export interface TrainingData {
  /** Token ids of the training split. */
  readonly train: Tokens;
  /** Token ids of the validation split. */
  readonly validation: Tokens;
  /** Bytes of UTF-8 per token id, [V]. */
  readonly tokenizer: Pick<Tokenizer, "byteLengths">;
}

/** Shape and seed of batches. */
export interface BatchOptions {
  /** B, sequences per batch. Default: 12. */
  readonly batchSize?: number | undefined;
  /** T, tokens per sequence. Default: 64. */
  readonly blockSize?: number | undefined;
  /** Seed of the windows' positions. Default: 1. */
  readonly seed?: number | undefined;
  /** Sampling of windows: `random`, `sequential`, or `shuffled` each epoch. Default: random. */
  readonly sampling?: Sampling | undefined;
}

/** Options of a run's batches. */
export interface BatchesOptions extends BatchOptions {
  /** Number of batches to yield. Default: unlimited. */
  readonly steps?: number | undefined;
  /** Number of batches to skip, such as the steps done by a resumed trainer. They count toward `steps`. Default: 0. */
  readonly start?: number | undefined;
}

/** Known names of options of batches. */
const NAMES = optionNames<BatchesOptions>({
  ...{ batchSize: true, blockSize: true, seed: true },
  ...{ sampling: true, steps: true, start: true },
});

/** A tokenized text. `using` or `dispose` closes its files. */
export class Dataset implements TrainingData, Disposable {
  /** The text's name. */
  readonly name: string;
  readonly #prepared: PreparedCorpus;

  /** Wraps a prepared corpus, and takes ownership of it. */
  constructor(prepared: PreparedCorpus, name: string) {
    this.#prepared = prepared;
    this.name = name;
  }

  /** The tokenizer of the text. */
  get tokenizer(): Tokenizer {
    return this.#prepared.tokenizer;
  }

  /** V, the number of token ids. */
  get vocabSize(): number {
    return this.#prepared.tokenizer.vocabSize;
  }

  /** Token ids of the training split. */
  get train(): Tokens {
    return this.#prepared.train;
  }

  /** Token ids of the validation split. */
  get validation(): Tokens {
    return this.#prepared.validation;
  }

  /**
   * Returns one training batch, the first of {@linkcode Dataset.batches} with the same options. The caller owns its tensors.
   *
   * @returns `x` and `y`, int32 [B, T]; `y` is `x` shifted by one.
   * @throws {RangeError} If a size is below 1, or T is not below the number of tokens.
   */
  getBatch(options: BatchOptions = {}): TrainingBatch {
    return this.#stream(options).next();
  }

  /**
   * Yields training batches. The tensors of a batch are freed when the next one is requested: use `tf.clone` to keep
   * them.
   *
   * The same options give the same batches on every machine. A sweep's run with the same seed uses the same batches.
   *
   * @throws {RangeError} If a size is below 1, or T is not below the number of tokens.
   */
  batches(options: BatchesOptions = {}): Generator<TrainingBatch, void, undefined> {
    const { steps = Infinity, start = 0 } = options;
    for (const [name, value] of [["steps", steps], ["start", start]] as const) {
      if (value >= 0 && (Number.isSafeInteger(value) || value === Infinity && name === "steps")) continue;
      throw new RangeError(
        `Cannot make batches: expected an integer >= 0 for ${name}, got ${value}.`,
      );
    }
    return yieldBatches(this.#stream(options), { steps, start });
  }

  /** Closes the files of the tokens. */
  dispose(): void {
    this.#prepared[Symbol.dispose]();
  }

  /** Closes the files of the tokens. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #stream(options: BatchOptions): Stream {
    requireKnownNames(options, NAMES, "make batches");
    const { batchSize = 12, blockSize = 64, seed = 1, sampling = "random" } = options;
    for (const [name, value] of [["batchSize", batchSize], ["blockSize", blockSize]] as const) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new RangeError(
        `Cannot make batches: expected an integer >= 1 for ${name}, got ${value}.`,
      );
    }
    const stream = createBatches(this.train, { B: batchSize, T: blockSize, seed, sampling });
    return { skip: () => void stream.next(), next: () => batchTensors(stream.next(), stream.padded) };
  }
}

interface Stream {
  skip(): void;
  next(): TrainingBatch;
}

/** Copies a batch to the device. */
export function batchTensors({ x, y, B, T }: Batch, padded: boolean): TrainingBatch {
  return { x: tf.tensor2d(x, [B, T], "int32"), y: tf.tensor2d(y, [B, T], "int32"), padded };
}

function* yieldBatches(
  stream: Stream,
  { steps, start }: { steps: number; start: number },
): Generator<TrainingBatch, void, undefined> {
  for (let i = 0; i < Math.min(start, steps); i++) stream.skip();
  for (let i = start; i < steps; i++) {
    const batch = stream.next();
    try {
      yield batch;
    } finally {
      tf.dispose([batch.x, batch.y]);
    }
  }
}
