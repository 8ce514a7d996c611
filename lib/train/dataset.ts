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
  /** Targets, int32 [B, T]: the token after each token of `x`, or -100 for positions excluded from the loss. */
  readonly y: tf.Tensor2D;
  /** False if `y` contains no -100, so that the loss needs no mask. Default: true. */
  readonly padded?: boolean | undefined;
}

/** Data for training and evaluation. A {@linkcode Dataset} implements this interface. */
export interface TrainingData {
  /** Token ids of the training split. */
  readonly train: Tokens;
  /** Token ids of the validation split. */
  readonly validation: Tokens;
  /** `byteLengths`: number of UTF-8 bytes of each token id, [V], where V is the vocabulary size. */
  readonly tokenizer: Pick<Tokenizer, "byteLengths">;
}

/** Shape and seed of batches. */
export interface BatchOptions {
  /** B, sequences per batch. Default: 12. */
  readonly batchSize?: number | undefined;
  /** T, tokens per sequence. Default: 64. */
  readonly blockSize?: number | undefined;
  /** Seed of the random positions or the random order of windows. Not used by `sequential`. Default: 1. */
  readonly seed?: number | undefined;
  /**
   * Sampling of windows of T tokens. `random`: random positions. `sequential`: consecutive windows. `shuffled`: each
   * window once per epoch, in random order. Default: random.
   */
  readonly sampling?: Sampling | undefined;
}

/** Options of a sequence of batches. */
export interface BatchesOptions extends BatchOptions {
  /** Index after the last batch to yield. `steps - start` batches are yielded. Default: unlimited. */
  readonly steps?: number | undefined;
  /** Index of the first batch to yield, such as the number of steps that a resumed trainer has done. Default: 0. */
  readonly start?: number | undefined;
}

/** Known names of options of batches. */
const NAMES = optionNames<BatchesOptions>({
  ...{ batchSize: true, blockSize: true, seed: true },
  ...{ sampling: true, steps: true, start: true },
});

/**
 * A tokenized text with a training split and a validation split. `using` or `dispose` closes the files of its tokens.
 */
export class Dataset implements TrainingData, Disposable {
  /** Name of the text. */
  readonly name: string;
  readonly #prepared: PreparedCorpus;

  /** Creates a dataset from a prepared corpus, and takes ownership of the corpus. */
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
   * Returns a training batch: the first batch of {@linkcode Dataset.batches} with the same options. The caller owns its
   * tensors.
   *
   * @returns Inputs `x` and targets `y`, int32 [B, T]. `y` is `x` shifted by one.
   * @throws {RangeError} If a size is below 1, or T is not below the number of tokens.
   */
  getBatch(options: BatchOptions = {}): TrainingBatch {
    return this.#stream(options).next();
  }

  /**
   * Yields training batches. The tensors of a batch are freed when the next batch is requested. To keep a tensor, use
   * `tf.clone`.
   *
   * Equal options give equal batches on every machine. They are also the batches of a sweep's run on this text with the
   * same seed, sizes and sampling.
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

/**
 * Copies a batch to the device.
 *
 * @param batch The batch.
 * @param padded True if targets may be -100.
 */
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
