/**
 * Incremental decoding of a batch of sequences with a cache of keys and values. A decoder reads tokens and returns the
 * logits of each sequence's next token.
 *
 * Letters: B sequences, T tokens, C width, V vocabulary.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { greatest } from "../number/extent.ts";
import { compile, type Compiled, toFloat32 } from "../tensorflow/mod.ts";
import { emptyCache, type KeyValueCache } from "./attention.ts";
import { completeConfig, type FullGptConfig, type GptConfig, validateGptConfig } from "./config.ts";
import { gptHidden, headLogits, type Parameters } from "./gpt.ts";
import { requireTokens } from "./token_ids.ts";

/**
 * Maximum number of tokens, including padding, in one pass over several prompts. The limit bounds the memory and the
 * work for padding.
 */
const MOST_TOKENS = 2048;

/** Options of a {@linkcode Decoder}. */
export interface DecoderOptions {
  /** B, number of sequences, at least 1. Default: 1. */
  readonly rows?: number | undefined;
}

/** Names of the options. */
const NAMES = optionNames<DecoderOptions>({ rows: true });

/** Cached keys and values by layer, in the form that compiled functions accept. */
type CacheTensors = { keys: tf.Tensor[]; values: tf.Tensor[] };

/** New tokens of some of the sequences. */
type NewTokens = {
  /** Token ids, int32 [B, T], padded with each sequence's last token. */
  ids: tf.Tensor2D;
  /** Number of cached tokens of each sequence, int32 [B]. */
  position: tf.Tensor;
  /** Number of new tokens of each sequence without padding, int32 [B]. */
  lengths: tf.Tensor;
};

/**
 * An incremental decoder of B sequences. Each new token of all sequences costs one compiled pass over a cache of
 * `blockSize` tokens per sequence. The cost does not depend on the number of tokens read before. The pass is traced
 * once.
 *
 * **Sequences do not depend on each other**, except for rounding: a batch changes the order in which matrix products
 * sum. In float32, logits differ from those of a sequence alone by at most 1e-5 of their size. Policies that scale
 * whole tensors or round stochastically are an exception, because their results depend on the whole batch.
 *
 * **When the context of a sequence is full**, at `blockSize` tokens, its next token starts a new context. The decoder reads
 * the last blockSize / 2 tokens (rounded down, at least 1) again from position 0, including the new token. Earlier tokens
 * are dropped. A long pass is therefore needed only once in blockSize / 2 tokens. If more tokens than that are added at
 * once, all of them are kept, up to `blockSize`.
 *
 * A user's architecture has no cache. Each call reads all contexts again, one sequence after the other.
 */
export class Decoder implements Disposable {
  readonly #parameters: Parameters;
  readonly #config: FullGptConfig;
  readonly #step: Compiled<
    [NewTokens, CacheTensors, Parameters],
    { logits: tf.Tensor; cache: CacheTensors }
  >;
  #cache: CacheTensors | undefined;
  /** Tokens of each sequence from which its next token is predicted. */
  readonly #contexts: number[][];

  /**
   * Creates a decoder with empty contexts.
   *
   * @param parameters Parameters as tensors. The caller must keep them until the decoder is disposed of.
   * @param config Sizes and options of the model.
   * @param options `rows`: the number of sequences.
   * @throws {RangeError} If the config is inconsistent, or `rows` is not an integer of at least 1.
   */
  constructor(parameters: Parameters, config: GptConfig, options: DecoderOptions = {}) {
    requireKnownNames(options, NAMES, "create a decoder");
    const { rows = 1 } = options;
    if (!Number.isSafeInteger(rows) || rows < 1) {
      throw new RangeError(
        `Cannot create a decoder: expected an integer of at least 1 for rows, got ${rows}.`,
      );
    }
    validateGptConfig(config);
    this.#parameters = parameters;
    this.#config = completeConfig(config);
    this.#contexts = Array.from({ length: rows }, () => []);
    this.#step = compile(
      (added: NewTokens, cache: CacheTensors, parameters: Parameters) =>
        this.#pass(added, { cache, parameters }),
      { name: "the step of a decoder", donate: [1] },
    );
  }

  /** Number of times that the pass was traced. */
  get traces(): number {
    return this.#step.traces;
  }

  /** Token ids of each sequence from which its next token is predicted. */
  get contexts(): readonly (readonly number[])[] {
    return this.#contexts;
  }

  /**
   * Appends new tokens to the contexts and returns the logits of each sequence's next token. Sequences with one new
   * token use the compiled pass.
   *
   * @param added New token ids of each sequence, each in [0, V). Of more than `blockSize` ids, the last `blockSize` are
   * used. A sequence with an empty list keeps its context.
   * @returns Logits of each sequence's next token, float32 [V]. Undefined for sequences without new tokens.
   * @throws {RangeError} If there is not one list per sequence, all lists are empty, or an id is out of range. The
   * contexts are then unchanged.
   */
  read(added: readonly ArrayLike<number>[]): (Float32Array | undefined)[] {
    this.#check(added);
    const unread = added.map((tokens, row) => this.#extend(row, Array.from(tokens)));
    const logits = unread.map((): Float32Array | undefined => undefined);
    const rows = [...unread.keys()].filter((row) => unread[row]!.length > 0);
    if (this.#config.architecture !== undefined) {
      for (const row of rows) logits[row] = this.#readWhole(this.#contexts[row]!);
      return logits;
    }
    const isStep = (row: number) => unread[row]!.length === 1 && this.#contexts[row]!.length > 1;
    try {
      for (const group of groupsOf(rows.filter((row) => !isStep(row)), unread)) {
        this.#readGroup(group, unread).forEach((values, i) => logits[group[i]!] = values);
      }
      const stepping = unread.map((tokens, row) => isStep(row) ? tokens : []);
      if (rows.some(isStep)) {
        const all = this.#readStep(stepping);
        for (const row of rows.filter(isStep)) logits[row] = all[row];
      }
    } catch (error) {
      this.#forget(); // some of the tokens are in the cache, others are not
      throw error;
    }
    return logits;
  }

  /**
   * Empties the context of a sequence, so that it can begin another text.
   *
   * @param row Index of the sequence.
   * @throws {RangeError} If there is no such sequence.
   */
  reset(row: number): void {
    if (this.#contexts[row] === undefined) {
      throw new RangeError(
        `Cannot reset a sequence: expected one of ${this.#contexts.length}, got number ${row}.`,
      );
    }
    this.#contexts[row] = [];
  }

  /** Appends tokens to a context. Returns the tokens to read: the new tokens, or all tokens if a new context begins. */
  #extend(row: number, added: number[]): number[] {
    const { blockSize } = this.#config, context = this.#contexts[row]!;
    if (context.length + added.length <= blockSize) {
      for (const id of added) context.push(id);
      return added;
    }
    const keep = context.length === 0 ? blockSize : Math.max(added.length, 1, Math.floor(blockSize / 2));
    return this.#contexts[row] = [...context, ...added].slice(-Math.min(keep, blockSize));
  }

  /** Returns the logits of the next token from a whole context, for a user's architecture. */
  #readWhole(context: readonly number[]): Float32Array {
    const logits = tf.tidy(() => {
      const ids = tf.tensor2d([...context], [1, context.length], "int32");
      const hidden = gptHidden(this.#parameters, ids, this.#config);
      const [N, C] = hidden.shape;
      return toFloat32(headLogits(this.#parameters, tf.slice(hidden, [N - 1, 0], [1, C]), this.#config));
    });
    return rowsOf(logits)[0]!;
  }

  /** Reads several tokens of some sequences. Returns the logits of each. */
  #readGroup(group: readonly number[], unread: readonly number[][]): Float32Array[] {
    const isAll = group.length === this.#contexts.length;
    const before = this.#takeCache();
    const read = () => {
      const rows = tf.tensor1d([...group], "int32");
      const some = (all: tf.Tensor) => isAll ? all : tf.gather(all, rows);
      const merge = (some: tf.Tensor, all: tf.Tensor) =>
        isAll ? some : tf.tensorScatterUpdate(all, tf.expandDims(rows, 1), some);
      const { logits, cache } = this.#pass(this.#newTokens(group, unread), {
        cache: { keys: before.keys.map(some), values: before.values.map(some) },
        parameters: this.#parameters,
      });
      return {
        logits,
        cache: {
          keys: cache.keys.map((some, i) => merge(some, before.keys[i]!)),
          values: cache.values.map((some, i) => merge(some, before.values[i]!)),
        },
      };
    };
    try {
      const { logits, cache } = tf.tidy(read);
      this.#cache = cache;
      return rowsOf(logits);
    } finally {
      tf.dispose({ ...before });
    }
  }

  /** Reads at most one token of each sequence. Returns the logits of all. */
  #readStep(unread: readonly number[][]): Float32Array[] {
    const added = this.#newTokens([...unread.keys()], unread);
    try {
      const { logits, cache } = this.#step(added, this.#takeCache(), this.#parameters);
      this.#cache = cache;
      return rowsOf(logits);
    } finally {
      tf.dispose({ ...added });
    }
  }

  /** Returns the inputs of a pass over some sequences. */
  #newTokens(group: readonly number[], unread: readonly number[][]): NewTokens {
    const tokens = group.map((row) => unread[row]!);
    const T = greatest(tokens.map(({ length }) => length));
    const padded = tokens.map((ids) => Array.from({ length: T }, (_, t) => ids[t] ?? ids.at(-1) ?? 0));
    const whole = (values: number[]) => tf.tensor1d(values, "int32");
    return {
      ids: tf.tensor2d(padded, [group.length, T], "int32"),
      position: whole(group.map((row, i) => this.#contexts[row]!.length - tokens[i]!.length)),
      lengths: whole(tokens.map(({ length }) => length)),
    };
  }

  #pass(
    { ids, position, lengths }: NewTokens,
    { cache: { keys, values }, parameters }: { cache: CacheTensors; parameters: Parameters },
  ): { logits: tf.Tensor; cache: CacheTensors } {
    const cache: KeyValueCache = { position, keys: [...keys], values: [...values] };
    const hidden = gptHidden(parameters, ids, this.#config, { cache, lengths });
    const [B, T] = ids.shape;
    const whole = (n: number) => tf.scalar(n, "int32");
    const last = tf.maximum(tf.sub(lengths, whole(1)), whole(0));
    const rows = tf.add(tf.range(0, B * T, T, "int32"), last); // [B]; only the last position's logits are needed
    const logits = headLogits(parameters, tf.gather(hidden, rows) as tf.Tensor2D, this.#config);
    return {
      logits: toFloat32(logits),
      cache: { keys: cache.keys, values: cache.values },
    };
  }

  #check(added: readonly ArrayLike<number>[]): void {
    const B = this.#contexts.length;
    if (added.length !== B) {
      throw new RangeError(
        `Cannot read tokens: expected tokens for each of ${B} sequences, got ${added.length} lists.`,
      );
    }
    if (added.every(({ length }) => length === 0)) {
      throw new RangeError("Cannot read tokens: expected at least one token, got none");
    }
    for (const tokens of added) requireTokens(tokens, this.#config);
  }

  /** Returns the cache and gives it up: the caller must replace or free it. */
  #takeCache(): CacheTensors {
    const cache = this.#cache;
    this.#cache = undefined;
    if (cache !== undefined) return cache;
    const { keys, values, position } = emptyCache(this.#config, this.#contexts.length);
    position.dispose();
    return { keys, values };
  }

  #forget(): void {
    if (this.#cache !== undefined) tf.dispose({ ...this.#cache });
    this.#cache = undefined;
    for (const row of this.#contexts.keys()) this.#contexts[row] = [];
  }

  /** Frees the cache and the compiled pass. The parameters are kept. */
  [Symbol.dispose](): void {
    this.#forget();
    this.#step.dispose();
  }
}

/**
 * Groups sequences with similar numbers of unread tokens. A group has at most {@linkcode MOST_TOKENS} tokens, including
 * padding.
 */
function groupsOf(rows: readonly number[], unread: readonly number[][]): number[][] {
  const lengthOf = (row: number) => unread[row]!.length;
  const groups: number[][] = [];
  for (const row of [...rows].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b)) {
    const group = groups.at(-1);
    if (group !== undefined && (group.length + 1) * lengthOf(row) <= MOST_TOKENS) group.push(row);
    else groups.push([row]);
  }
  return groups.map((group) => group.sort((a, b) => a - b)); // in the order of the cache
}

/** Returns the rows of a matrix and disposes of the matrix. */
function rowsOf(matrix: tf.Tensor): Float32Array[] {
  const [B, V] = matrix.shape as [number, number];
  const values = matrix.dataSync() as Float32Array;
  matrix.dispose();
  return Array.from({ length: B }, (_, b) => Float32Array.from(values.subarray(b * V, (b + 1) * V)));
}
