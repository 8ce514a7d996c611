/**
 * Incremental decoding with a cache of keys and values. A decoder reads tokens and returns the logits of the next
 * token.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { compile, type Compiled, toFloat32 } from "../tensorflow/mod.ts";
import { emptyCache, type KeyValueCache } from "./attention.ts";
import { completeConfig, type FullGptConfig, type GptConfig, validateGptConfig } from "./config.ts";
import { gptHidden, headLogits, type Parameters } from "./gpt.ts";

/** A cache in the form that compiled functions accept. */
type CacheTensors = { position: tf.Tensor; keys: tf.Tensor[]; values: tf.Tensor[] };

/**
 * An incremental decoder of one sequence. Each new token costs one compiled pass over a cache of `blockSize` tokens.
 * The cost does not depend on the number of tokens read. The pass is traced once.
 *
 * **When the context is full**, at `blockSize` tokens, the next token starts a new cache. The decoder reads the last
 * blockSize / 2 tokens (rounded down, at least 1) again from position 0, including the new token. Earlier tokens are
 * dropped. A long pass is therefore needed only once in blockSize / 2 tokens. If more tokens than that are added at
 * once, all of them are kept, up to `blockSize`.
 *
 * A user's architecture has no cache. Each call reads the whole context again.
 */
export class Decoder implements Disposable {
  readonly #parameters: Parameters;
  readonly #config: FullGptConfig;
  readonly #step: Compiled<
    [tf.Tensor2D, CacheTensors, Parameters],
    { logits: tf.Tensor; cache: CacheTensors }
  >;
  #cache: KeyValueCache | undefined;
  /** Tokens from which the next token is predicted. */
  #context: number[] = [];

  /**
   * Creates a decoder with an empty context.
   *
   * @param parameters Parameters as tensors. The caller must keep them until the decoder is disposed of.
   * @param config Sizes and options of the model.
   * @throws {RangeError} If the config is invalid.
   */
  constructor(parameters: Parameters, config: GptConfig) {
    validateGptConfig(config);
    this.#parameters = parameters;
    this.#config = completeConfig(config);
    this.#step = compile(
      (tokens: tf.Tensor2D, cache: CacheTensors, parameters: Parameters) =>
        this.#read(tokens, { cache, parameters }),
      { name: "the step of a decoder" },
    );
  }

  /** Number of times that the pass was traced. */
  get traces(): number {
    return this.#step.traces;
  }

  /** Token ids from which the next token is predicted. */
  get context(): readonly number[] {
    return this.#context;
  }

  /**
   * Appends tokens to the context and returns the logits of the next token. A single token uses the compiled pass.
   *
   * @param tokens At least one id, each in [0, V). Of more than `blockSize` ids, the last `blockSize` are used.
   * @returns Logits of the next token, float32 [V].
   * @throws {RangeError} If there is no token, or an id is out of range.
   */
  read(tokens: ArrayLike<number>): Float32Array {
    const { blockSize } = this.#config;
    const added = Array.from(tokens);
    this.#check(added);
    if (this.#context.length === 0) this.#begin(added.slice(-blockSize));
    else if (this.#context.length + added.length > blockSize) {
      const keep = Math.max(added.length, 1, Math.floor(blockSize / 2));
      this.#begin([...this.#context, ...added].slice(-Math.min(keep, blockSize)));
    } else for (const id of added) this.#context.push(id);
    if (this.#config.architecture !== undefined) return this.#readWhole();
    const fresh = this.#cache === undefined;
    const unread = fresh ? this.#context : added;
    const before: CacheTensors = this.#cache ?? emptyCache(this.#config, 1);
    const ids = tf.tensor2d(unread, [1, unread.length], "int32");
    const { logits, cache } = unread.length === 1
      ? this.#step(ids, before, this.#parameters)
      : tf.tidy(() => this.#read(ids, { cache: before, parameters: this.#parameters }));
    tf.dispose([ids, before.position, ...before.keys, ...before.values]);
    this.#cache = cache;
    const values = Float32Array.from(logits.dataSync());
    logits.dispose();
    return values;
  }

  /** Returns the logits of the next token from the whole context, for a user's architecture. */
  #readWhole(): Float32Array {
    const logits = tf.tidy(() => {
      const ids = tf.tensor2d(this.#context, [1, this.#context.length], "int32");
      const hidden = gptHidden(this.#parameters, ids, this.#config);
      const [N, C] = hidden.shape;
      return toFloat32(headLogits(this.#parameters, tf.slice(hidden, [N - 1, 0], [1, C]), this.#config));
    });
    const values = Float32Array.from(logits.dataSync());
    logits.dispose();
    return values;
  }

  #begin(context: number[]): void {
    this.#dropCache();
    this.#context = context;
  }

  #check(tokens: readonly number[]): void {
    if (tokens.length === 0) {
      throw new RangeError("Cannot read tokens: expected at least one token, got none");
    }
    const { vocabSize } = this.#config;
    for (const id of tokens) {
      if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
      throw new RangeError(
        `Cannot read tokens: expected integer ids in [0, ${vocabSize}), got ${id}`,
      );
    }
  }

  #read(
    tokens: tf.Tensor2D,
    { cache: { position, keys, values }, parameters }: { cache: CacheTensors; parameters: Parameters },
  ): { logits: tf.Tensor; cache: CacheTensors } {
    const cache: KeyValueCache = { position, keys: [...keys], values: [...values] };
    const hidden = gptHidden(parameters, tokens, this.#config, { cache });
    const [N, C] = hidden.shape;
    const last = tf.slice(hidden, [N - 1, 0], [1, C]); // only the last position's logits are needed
    return { logits: toFloat32(headLogits(parameters, last, this.#config)), cache: { ...cache } };
  }

  #dropCache(): void {
    if (this.#cache !== undefined) {
      tf.dispose([this.#cache.position, ...this.#cache.keys, ...this.#cache.values]);
    }
    this.#cache = undefined;
  }

  /** Frees the cache and the compiled pass. The parameters are kept. */
  [Symbol.dispose](): void {
    this.#dropCache();
    this.#step.dispose();
  }
}
