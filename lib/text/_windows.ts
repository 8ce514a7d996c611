/**
 * The cuts of a text into windows of at most T targets, none across documents. Reading tokens is `batch.ts`.
 *
 * @module
 */
import type { Tokens } from "./tokens.ts";

/** A window: where its inputs begin, and how many targets it has. */
export interface Window {
  /** Place of the first input. */
  readonly start: number;
  /** Targets, 1 to T; the last input is at start + targets - 1. */
  readonly targets: number;
}

/**
 * All windows of a text, one after the other. Every token but the first one of each document is the target of exactly
 * one of them.
 */
export class Windows {
  /** How many there are. */
  readonly count: number;
  /** How many targets they have together. */
  readonly targets: number;
  readonly #T: number;
  readonly #starts: Float64Array;
  readonly #length: number;
  /** By document, and one more: windows and targets before it. */
  readonly #windowsBefore: Float64Array;
  readonly #targetsBefore: Float64Array;

  /**
   * @param tokens Their length and where documents begin.
   * @param T Most targets of a window.
   */
  constructor(tokens: Tokens, T: number) {
    this.#T = T;
    this.#length = tokens.length;
    this.#starts = tokens.documentStarts ?? new Float64Array(1);
    const documents = this.#starts.length;
    this.#windowsBefore = new Float64Array(documents + 1);
    this.#targetsBefore = new Float64Array(documents + 1);
    for (let i = 0; i < documents; i++) {
      const targets = Math.max(0, this.#end(i) - this.#starts[i]! - 1);
      this.#windowsBefore[i + 1] = this.#windowsBefore[i]! + Math.ceil(targets / T);
      this.#targetsBefore[i + 1] = this.#targetsBefore[i]! + targets;
    }
    this.count = this.#windowsBefore[documents]!;
    this.targets = this.#targetsBefore[documents]!;
  }

  /** Window number k, in [0, count). */
  at(k: number): Window {
    const document = lastAtMost(this.#windowsBefore, k);
    const start = this.#starts[document]! + (k - this.#windowsBefore[document]!) * this.#T;
    return { start, targets: Math.min(this.#T, this.#end(document) - 1 - start) };
  }

  /**
   * The window whose first target is number `target` of all, in [0, targets), moved back where that would reach beyond its
   * document: only a document of fewer than T targets has a shorter window.
   */
  around(target: number): Window {
    const document = lastAtMost(this.#targetsBefore, target);
    const begin = this.#starts[document]!, last = this.#end(document) - 1;
    const wanted = begin + target - this.#targetsBefore[document]!;
    const start = Math.max(begin, Math.min(wanted, last - this.#T));
    return { start, targets: Math.min(this.#T, last - start) };
  }

  #end(document: number): number {
    return this.#starts[document + 1] ?? this.#length;
  }
}

/** The last place of a rising list whose value is at most `value`; the first value is 0, the last one is above. */
function lastAtMost(rising: Float64Array, value: number): number {
  let low = 0, high = rising.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
