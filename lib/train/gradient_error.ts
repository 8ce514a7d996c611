/**
 * Gradient errors over several batches: their size, and their bias, the part that does not average out.
 *
 * @module
 */

/** Values by parameter name. */
export type Values = Readonly<Record<string, Float32Array>>;

/** Difference e = g - g₀ between gradients and float32's, over K batches. */
export interface GradientError {
  /** Root mean square of e over the batches, relative to g₀: √(Σ‖e‖² / Σ‖g₀‖²). Infinite if g is not finite. */
  readonly error: number;
  /** Cosine of the angle between all g and g₀. NaN if g is 0 or not finite. */
  readonly cosine: number;
  /**
   * Norm of the expected e relative to that of the mean g₀, estimated without the part that is due to the finite number of
   * batches. 0 if that part explains the mean. NaN with one batch.
   */
  readonly bias: number;
  /**
   * ‖mean e‖ / (rms e / √K): 1 for independent errors, √K for equal ones (Qiu & Yao 2025, arXiv 2510.04212). NaN with one
   * batch or without errors.
   */
  readonly coherence: number;
}

/** Sums of a parameter's errors over batches, in float64. */
interface Sums {
  /** Sums of e and of g₀ by element. */
  readonly mean: Float64Array;
  readonly wanted: Float64Array;
  /** Sums over elements and batches. */
  difference: number;
  product: number;
  own: number;
  reference: number;
}

/** Collects the errors of batches. */
export class ErrorSums {
  readonly #sums: Readonly<Record<string, Sums>>;
  #batches = 0;

  /** Creates empty sums of parameters with these sizes. */
  constructor(parameters: Readonly<Record<string, { readonly size: number }>>) {
    this.#sums = Object.fromEntries(
      Object.entries(parameters).map(([name, { size }]) => [name, {
        ...{ mean: new Float64Array(size), wanted: new Float64Array(size) },
        ...{ difference: 0, product: 0, own: 0, reference: 0 },
      }]),
    );
  }

  /** Adds a batch's gradients, and float32's. */
  add(gradients: Values, references: Values): void {
    this.#batches++;
    for (const [name, sums] of Object.entries(this.#sums)) {
      const values = gradients[name]!, wanted = references[name]!;
      for (let i = 0; i < values.length; i++) {
        const [a, b] = [values[i]!, wanted[i]!];
        sums.mean[i]! += a - b;
        sums.wanted[i]! += b;
        sums.difference += (a - b) ** 2;
        sums.product += a * b;
        sums.own += a * a;
        sums.reference += b * b;
      }
    }
  }

  /** Returns the error over all values of some parameters. */
  errorOf(names: readonly string[]): GradientError {
    const K = this.#batches, parts = names.map((name) => this.#sums[name]!);
    const total = (value: (part: Sums) => number) => parts.reduce((sum, part) => sum + value(part), 0);
    const difference = total((part) => part.difference), reference = total((part) => part.reference);
    const error = difference === 0 ? 0 : Math.sqrt(difference / reference);
    const square = (values: Float64Array) => values.reduce((sum, value) => sum + (value / K) ** 2, 0);
    const mean = total((part) => square(part.mean)), wanted = total((part) => square(part.wanted));
    // E‖mean e‖² is the squared bias plus the variance / K.
    const squaredBias = K < 2 ? NaN : Math.max(0, (K * mean - difference / K) / (K - 1));
    return {
      error: Number.isNaN(error) ? Infinity : error,
      cosine: total((part) => part.product) / Math.sqrt(total((part) => part.own) * reference),
      bias: difference === 0 ? 0 : Math.sqrt(squaredBias / wanted),
      coherence: K < 2 ? NaN : Math.sqrt(mean * K / (difference / K)),
    };
  }
}
