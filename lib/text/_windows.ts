/**
 * Division of a text into windows of at most T targets. No window crosses a document boundary. `batch.ts` reads the
 * tokens of windows.
 *
 * @module
 */
import type { Tokens } from "./tokens.ts";

/** A window of consecutive tokens. Inputs and targets are shifted by one: the target of an input is the next token. */
export interface Window {
  /** Position of the first input in the text. */
  readonly start: number;
  /** Number of targets, 1 to T. The last input has position start + targets - 1. */
  readonly targets: number;
}

/** The consecutive windows of a text. Every token except the first of a document is a target in exactly one window. */
export class Windows {
  /** Number of windows. */
  readonly count: number;
  /** Number of targets in all windows. */
  readonly targets: number;
  readonly #T: number;
  readonly #starts: Float64Array;
  readonly #length: number;
  /** Number of windows before each document, and in total as the last element. `#targetsBefore` counts targets. */
  readonly #windowsBefore: Float64Array;
  readonly #targetsBefore: Float64Array;

  /**
   * Divides a text into windows.
   *
   * @param tokens The tokens of the text.
   * @param T Maximum number of targets per window.
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

  /** Returns window number k, for k in [0, count). */
  at(k: number): Window {
    const document = lastAtMost(this.#windowsBefore, k);
    const start = this.#starts[document]! + (k - this.#windowsBefore[document]!) * this.#T;
    return { start, targets: Math.min(this.#T, this.#end(document) - 1 - start) };
  }

  /**
   * Returns a window of T targets, of which the first is target number `target` of the text, in [0, targets). If this
   * window would cross the end of the document, returns the last T targets of the document, or all its targets if it
   * has fewer.
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

/**
 * Returns the last index of an ascending list whose value is at most `value`. The first value is 0; the last is larger.
 */
function lastAtMost(rising: Float64Array, value: number): number {
  let low = 0, high = rising.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
