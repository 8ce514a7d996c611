/**
 * Changes of a model's parameters that leave its function unchanged, except for rounding. Training amplifies the
 * difference, which measures the noise floor of comparisons.
 *
 * @module
 */
import { createPermutation } from "../text/permutation.ts";
import { createRandom, type Random } from "../text/random.ts";

/** Parameters by name, as `ParameterRecord` defines them. */
export type PerturbedParameters = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly values: Float32Array<ArrayBuffer> }>
>;

/** Seeds of the changes. */
export interface Perturbation {
  /** Seed of rounding noise: each value other than 0 moves by -1, 0 or 1 unit in the last place of float32. 0: none. */
  readonly perturb: number;
  /** Seed of a random order of each MLP's hidden units, over which products sum. 0: none. */
  readonly reorder: number;
}

/**
 * Changes parameters in place.
 *
 * @param seed Seed of the run. Different seeds draw different changes.
 * @throws {RangeError} For `reorder` without an MLP (`h.N.mlp.c_fc` and `h.N.mlp.c_proj`).
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

/** Permutes the hidden units of each MLP: the columns of `c_fc` (of both halves, with a gate) and the rows of `c_proj`. */
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

/** Permutes each run of as many values as the order has. */
function permuteRuns(values: Float32Array, order: readonly number[]): void {
  const before = values.slice();
  for (let start = 0; start < values.length; start += order.length) {
    order.forEach((from, to) => values[start + to] = before[start + from]!);
  }
}
