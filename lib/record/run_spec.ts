/**
 * What defines one run, and so its identity. Flat, plain JSON; checked where it is made (`sweep/spec.ts`).
 *
 * @module
 */

/** Everything that a run's result depends on, but for data, code and machine. */
export interface RunSpec {
  /** Name of the corpus: `shakespeare`, or a file's own name. */
  readonly data: string;
  /** `character`, or `bpe:V`. */
  readonly tokenizer: string;
  /** T, tokens in a sequence. */
  readonly T: number;
  /** B, sequences in a batch. */
  readonly B: number;
  /** L, blocks. */
  readonly nLayer: number;
  /** H, heads. */
  readonly nHead: number;
  /** C, width. */
  readonly nEmbd: number;
  /** Name of the precision policy. */
  readonly policy: string;
  /** `graph`: a step is one native call; `eager`: op by op. */
  readonly execution: "graph" | "eager";
  /** Threads inside one op. */
  readonly threads: number;
  /** Seed of initial weights and batches. */
  readonly seed: number;
  /** Training steps. */
  readonly steps: number;
  /** Peak learning rate. */
  readonly lr: number;
  /** Learning rate at the last step. */
  readonly minLr: number;
  /** Steps of linear warm-up. */
  readonly warmupSteps: number;
  /** AdamW's first decay rate. */
  readonly beta1: number;
  /** AdamW's second decay rate. */
  readonly beta2: number;
  /** AdamW's epsilon. */
  readonly eps: number;
  /** Decay per unit of learning rate, rank 2 and more only. */
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  readonly clip: number;
  /** Steps between evaluations; the last step is always evaluated. */
  readonly evalEvery: number;
  /** Validation tokens of an evaluation, from the start of the validation part. */
  readonly evalTokens: number;
  /** Steps between checkpoints; the last step always has one. */
  readonly checkpointEvery: number;
}
