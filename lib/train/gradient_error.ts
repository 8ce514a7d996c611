/**
 * Gradient errors over several batches: their size, and their bias, the part that does not average out over batches.
 *
 * @module
 */

/** Values by parameter name. */
export type Values = Readonly<Record<string, Float32Array>>;

/**
 * Statistics of the gradient error e = g - g₀ over K batches. g is the gradient of a batch, and g₀ its gradient in
 * float32.
 */
export interface GradientError {
  /** Relative error √(Σ‖e‖² / Σ‖g₀‖²), with sums over batches. Infinite if g is not finite. */
  readonly error: number;
  /** Cosine of the angle between the gradients g of all batches and g₀. NaN if g is 0 or not finite. */
  readonly cosine: number;
  /**
   * Estimate of ‖E e‖ / ‖mean g₀‖, the error that does not average out. The contribution of the variance of e to ‖mean
   * e‖ is subtracted. 0 if the variance alone explains ‖mean e‖, or if all errors are 0. Otherwise NaN with one batch.
   */
  readonly bias: number;
  /**
   * ‖mean e‖ / (rms e / √K): about 1 if the errors of batches are independent, √K if they are equal (Qiu & Yao 2025,
   * arXiv 2510.04212). NaN with one batch, or if all errors are 0.
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

/** An accumulator of gradient errors over batches. */
export class ErrorSums {
  readonly #sums: Readonly<Record<string, Sums>>;
  #batches = 0;

  /**
   * Creates an empty accumulator.
   *
   * @param parameters Number of elements of each parameter, by name.
   */
  constructor(parameters: Readonly<Record<string, { readonly size: number }>>) {
    this.#sums = Object.fromEntries(
      Object.entries(parameters).map(([name, { size }]) => [name, {
        ...{ mean: new Float64Array(size), wanted: new Float64Array(size) },
        ...{ difference: 0, product: 0, own: 0, reference: 0 },
      }]),
    );
  }

  /**
   * Adds a batch.
   *
   * @param gradients Gradients of the batch, by parameter.
   * @param references Gradients of the same batch in float32, by parameter.
   */
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

  /** Returns the error over all elements of the named parameters. */
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
