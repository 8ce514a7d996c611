/**
 * Changes of a model's parameters that keep the function of the model, except for rounding. Training amplifies the
 * difference. The spread of the final losses is the noise floor of comparisons.
 *
 * @module
 */
import { createPermutation } from "../text/permutation.ts";
import { createRandom, type Random } from "../text/random.ts";

/** Parameters by name, each with its shape and its float32 values in row-major order. */
export type PerturbedParameters = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly values: Float32Array<ArrayBuffer> }>
>;

/** Seeds of changes that keep the function of the model, except for rounding. */
export interface Perturbation {
  /**
   * Seed of rounding noise. Each value other than 0 moves by -1, 0 or 1 unit in the last place of float32. 0: no noise.
   */
  readonly perturb: number;
  /**
   * Seed of a random order of each MLP's hidden units. Another order changes only the rounding of the sums over hidden
   * units. 0: unchanged.
   */
  readonly reorder: number;
}

/**
 * Applies the changes to parameters in place.
 *
 * @param seed Seed of the run. Different seeds of the run give different changes.
 * @throws {RangeError} If `reorder` is set and no parameter is named `h.N.mlp.c_proj.weight`.
 */
export function perturbParameters(
  parameters: PerturbedParameters,
  { seed, perturb, reorder }: Perturbation & { readonly seed: number },
): void {
  if (reorder > 0) {
    reorderHiddenUnits(parameters, (layer) => createRandom(seed, `reorder/${reorder}/${layer}`));
  }
  if (perturb === 0) return;
  for (const [name, { values }] of Object.entries(parameters)) {
    addRoundingNoise(values, createRandom(seed, `perturb/${perturb}/${name}`));
  }
}

/** Moves each value other than 0 by -1, 0 or 1 unit in the last place. */
function addRoundingNoise(values: Float32Array<ArrayBuffer>, random: Random): void {
  const bits = new Int32Array(values.buffer); // neighboring floats of one sign have neighboring bit patterns
  for (let i = 0; i < bits.length; i++) {
    const move = random.integer(3) - 1;
    if (values[i] !== 0) bits[i]! += move;
  }
}

/**
 * Permutes the hidden units of each MLP: the columns of `c_fc` and the rows of `c_proj`. With `swiglu`, both halves of
 * `c_fc` are permuted equally.
 */
function reorderHiddenUnits(parameters: PerturbedParameters, randomOf: (layer: string) => Random): void {
  const layers = Object.keys(parameters).flatMap((name) =>
    /^(h\.\d+\.mlp)\.c_proj\.weight$/.exec(name)?.[1] ?? []
  );
  if (layers.length === 0) {
    throw new RangeError(
      "Cannot reorder hidden units: expected parameters h.N.mlp.c_fc and h.N.mlp.c_proj, got none. Use perturb.",
    );
  }
  for (const layer of layers) {
    const { shape: [units, C], values: rows } = parameters[`${layer}.c_proj.weight`]!;
    const of = createPermutation(units!, randomOf(layer)), before = rows.slice();
    const order = Array.from({ length: units! }, (_, to) => of(to));
    order.forEach((from, to) => rows.set(before.subarray(from * C!, (from + 1) * C!), to * C!));
    for (const name of ["weight", "bias"]) {
      const columns = parameters[`${layer}.c_fc.${name}`]?.values;
      if (columns !== undefined) permuteRuns(columns, order);
    }
  }
}

/** Applies a permutation to each consecutive group of `order.length` values. */
function permuteRuns(values: Float32Array, order: readonly number[]): void {
  const before = values.slice();
  for (let start = 0; start < values.length; start += order.length) {
    order.forEach((from, to) => values[start + to] = before[start + from]!);
  }
}
