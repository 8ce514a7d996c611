/**
 * A model that reads tokens one after the other and gives the logits of the next, remembering keys and values.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { compile, type Compiled, toFloat32 } from "../tensorflow/mod.ts";
import { emptyCache, type KeyValueCache } from "./attention.ts";
import { completeConfig, type FullGptConfig, type GptConfig, validateGptConfig } from "./config.ts";
import { gptHidden, headLogits, type Parameters } from "./gpt.ts";

/** A cache as compiled functions take and return it. */
type CacheTensors = { position: tf.Tensor; keys: tf.Tensor[]; values: tf.Tensor[] };

/**
 * Reads one sequence. A further token costs one compiled pass over it and the cache, O(blockSize), whatever stands
 * before it; it is traced once.
 *
 * **When the context is full**, at `blockSize` tokens, the next token begins a new cache: the last blockSize / 2 tokens
 * (rounded down, at least 1), the new one included, are read again from position 0, and what was before them is
 * forgotten. So a token costs a long pass only once in blockSize / 2 tokens.
 */
export class Decoder implements Disposable {
  readonly #parameters: Parameters;
  readonly #config: FullGptConfig;
  readonly #step: Compiled<
    [tf.Tensor2D, CacheTensors, Parameters],
    { logits: tf.Tensor; cache: CacheTensors }
  >;
  #cache: KeyValueCache | undefined;
  /** The tokens in the cache. */
  #context: number[] = [];

  /**
   * A decoder that has read nothing yet.
   *
   * @param parameters As `toParameters` makes them; the caller keeps them until this is disposed of.
   * @param config The model.
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

  /** How many times the step was traced. */
  get traces(): number {
    return this.#step.traces;
  }

  /** The tokens that the next one is predicted from. */
  get context(): readonly number[] {
    return this.#context;
  }

  /**
   * Reads more tokens: many by one pass, a single one by the compiled step.
   *
   * @param tokens At least one id, each in [0, V). Of more than fit into the context the last blockSize are read.
   * @returns Logits of the token after them, float32 [V].
   * @throws {RangeError} when there is no token, or one is none of the vocabulary's.
   */
  read(tokens: ArrayLike<number>): Float32Array {
    const { blockSize } = this.#config;
    const added = Array.from(tokens);
    this.#check(added);
    if (this.#cache === undefined) this.#begin(added.slice(-blockSize));
    else if (this.#context.length + added.length > blockSize) {
      const keep = Math.max(added.length, 1, Math.floor(blockSize / 2));
      this.#begin([...this.#context, ...added].slice(-Math.min(keep, blockSize)));
    } else for (const id of added) this.#context.push(id);
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

  #begin(context: number[]): void {
    this.#dropCache();
    this.#context = context;
  }

  #check(tokens: readonly number[]): void {
    if (tokens.length === 0) throw new RangeError("Cannot read tokens: wanted at least one, given none");
    const { vocabSize } = this.#config;
    for (const id of tokens) {
      if (Number.isInteger(id) && id >= 0 && id < vocabSize) continue;
      throw new RangeError(
        `Cannot read tokens: each must be a whole number in [0, ${vocabSize}): one of them is ${id}`,
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
    const last = tf.slice(hidden, [N - 1, 0], [1, C]); // the only one whose logits are wanted
    return { logits: toFloat32(headLogits(parameters, last, this.#config)), cache: { ...cache } };
  }

  #dropCache(): void {
    if (this.#cache !== undefined) {
      tf.dispose([this.#cache.position, ...this.#cache.keys, ...this.#cache.values]);
    }
    this.#cache = undefined;
  }

  /** Frees the cache and the compiled step. */
  [Symbol.dispose](): void {
    this.#dropCache();
    this.#step.dispose();
  }
}
