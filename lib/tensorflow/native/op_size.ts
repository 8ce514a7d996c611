/**
 * Cost of ops and graphs, to decide whether several threads speed them up.
 *
 * @module
 */
import { greatest } from "../../number/extent.ts";
import { elements } from "./c_values.ts";

/** Ops that multiply matrices [.., M, K] and [.., K, N], possibly transposed. */
const PRODUCTS: ReadonlySet<string> = new Set(["MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"]);

/** Ops whose cost does not follow from the size of their inputs and results. */
const UNKNOWN = /Conv|Pool|Einsum|FFT|LRN|Resize|Svd|Qr|Cholesky|While/;

/**
 * Maximum number of operations (two per multiplication) of a product that runs on one thread. Measured on two cores of
 * an AMD EPYC (Zen 5), with one thread within an op: Training steps whose largest product has 1e8 operations are up to
 * 1.2 times as fast. Those with 2e8 are equally fast. Those with 6e8 are 9 % slower.
 */
const MAX_OPERATIONS = 2e8;

/** Maximum number of elements of an input or result of an op that runs on one thread. */
const MAX_ELEMENTS = 2 ** 20;

/** Number of operations of a product that take as long as one element of another op. */
const OPERATIONS_PER_ELEMENT = 50;

/**
 * Maximum cost of a function whose ops run one after the other on one thread. Measured on two cores of an AMD EPYC (Zen
 * 5), relative to two threads: A training step of cost 6e7 takes 0.8 of the time. A step of cost 1e8 takes the same
 * time, with three quarters of the CPU time. A step of cost 2e8 takes 1.1 times as long in float32.
 */
const MAX_SEQUENTIAL_COST = 1e8;

/** A value with a static shape. */
interface Shaped {
  readonly shape: readonly number[];
}

/** Shapes of an op's inputs and results. */
interface OpShapes {
  readonly inputs: readonly (readonly number[])[];
  readonly results: readonly (readonly number[])[];
}

/**
 * Returns true if one thread runs an op about as fast as several. For a small op, waking another thread takes longer
 * than the op. The result depends on shapes only, so that runs are reproducible.
 *
 * @param op Name of the op.
 * @param shapes Shapes of the inputs and results.
 */
export function isSmallOp(op: string, shapes: OpShapes): boolean {
  return !UNKNOWN.test(op) && largest(shapes) <= MAX_ELEMENTS && operations(op, shapes) <= MAX_OPERATIONS;
}

/**
 * Estimates the cost of an op, in operations of a matrix product. Infinite for ops whose cost does not follow from
 * shapes. Also infinite for functions that XLA compiles, because XLA has its own threads.
 *
 * @param op Name of the op.
 * @param shapes Shapes of the inputs and results.
 */
function opCost(op: string, shapes: OpShapes): number {
  if (UNKNOWN.test(op) || op.startsWith("losskit_")) return Infinity;
  return operations(op, shapes) + OPERATIONS_PER_ELEMENT * largest(shapes);
}

/** The cost of a graph under construction. */
export class GraphSize {
  #isSmall = true;
  #cost = 0;

  /** Adds an op, with its inputs and results. */
  add(op: string, { inputs, results }: { inputs: readonly Shaped[]; results: readonly Shaped[] }): void {
    const shapes = { inputs: inputs.map(({ shape }) => shape), results: results.map(({ shape }) => shape) };
    this.#isSmall &&= isSmallOp(op, shapes);
    this.#cost += opCost(op, shapes);
  }

  /** True if no op gains from several threads within it. */
  get isSmall(): boolean {
    return this.#isSmall;
  }

  /** True if running one op after the other on one thread takes less time than scheduling ops on several threads. */
  get isSequential(): boolean {
    return this.#cost <= MAX_SEQUENTIAL_COST;
  }
}

/** Returns the number of elements of the largest input or result. */
function largest({ inputs, results }: OpShapes): number {
  return Math.max(0, greatest([...inputs, ...results].map(elements)));
}

/** Returns the number of operations of a product, two per multiplication. 0 for another op. */
function operations(op: string, { inputs, results }: OpShapes): number {
  if (!PRODUCTS.has(op)) return 0;
  const [a, b, out] = [inputs[0]!, inputs[1]!, results[0]!].map(elements) as [number, number, number];
  if (out === 0) return 0;
  const [M, N] = results[0]!.slice(-2) as [number, number];
  // An input that is broadcast over the batch has fewer elements: the larger quotient is K.
  return 2 * Math.max(a * N, b * M);
}
