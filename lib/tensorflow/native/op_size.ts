/**
 * Size of ops: whether several threads speed an op up.
 *
 * @module
 */
import { elements } from "./c_values.ts";

/** Ops that multiply matrices [.., M, K] and [.., K, N], transposed or not. */
const PRODUCTS: ReadonlySet<string> = new Set(["MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"]);

/** Ops whose cost the number of results does not show. */
const UNKNOWN = /Conv|Pool|Einsum|FFT|LRN|Resize|Svd|Qr|Cholesky|While/;

/**
 * Maximum operations (two per multiplication) of a product that runs on one thread. Measured on two cores of an AMD EPYC
 * (Zen 5): training steps whose largest product has 1e8 operations are up to 1.2 times as fast with one thread within an op,
 * and those with 2e8 are equally fast. Those with 6e8 are 9 % slower.
 */
const MAX_OPERATIONS = 2e8;

/** Maximum number of elements of a result or an input of an op that runs on one thread. */
const MAX_ELEMENTS = 2 ** 20;

/**
 * Returns whether one thread runs an op about as fast as several. A smaller op takes less time than waking another thread.
 * The answer depends on shapes only, so that runs repeat.
 *
 * @param op The op's name.
 * @param shapes The shapes of its inputs and results.
 */
export function isSmallOp(
  op: string,
  { inputs, results }: { inputs: readonly (readonly number[])[]; results: readonly (readonly number[])[] },
): boolean {
  if (UNKNOWN.test(op)) return false;
  if ([...inputs, ...results].some((shape) => elements(shape) > MAX_ELEMENTS)) return false;
  if (!PRODUCTS.has(op)) return true;
  const [a, b, out] = [inputs[0]!, inputs[1]!, results[0]!].map(elements) as [number, number, number];
  if (out === 0) return true;
  const [M, N] = results[0]!.slice(-2) as [number, number];
  // An input that is broadcast over the batch has fewer elements: the larger quotient is K.
  const K = Math.max(a * N, b * M) / out;
  return 2 * out * K <= MAX_OPERATIONS;
}
