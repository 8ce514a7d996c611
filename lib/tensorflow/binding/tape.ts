/**
 * The part of TF.js's engine that computes gradients.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";

/**
 * An operation on the gradient tape. After TF.js has filtered the tape, `inputs` contains only inputs to which a
 * gradient flows.
 */
export interface TapeNode {
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  gradient?: (dy: (tf.Tensor | undefined)[]) => Record<string, () => tf.Tensor>;
}

/** The engine's methods that TF.js's own gradient functions call. */
interface GradientEngine {
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
  isTapeOn(): boolean;
  runKernelFunc<R extends tf.Tensor | tf.Tensor[]>(params: {
    forwardFunc: (backend: unknown, save: tf.GradSaveFunc) => R;
    backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): R;
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy: null, allowNoGradients: boolean): {
    grads: (tf.Tensor | undefined)[];
  };
  readonly registeredVariables: Record<string, tf.Variable>;
}

/** Returns TF.js's engine. */
export const engine = (): GradientEngine => tf.engine() as unknown as GradientEngine;

/** Runs `work` without recording it for an outer gradient. */
export function offTape<R>(work: () => R): R {
  const { state } = engine();
  const { activeTape, gradientDepth, kernelDepth } = state;
  Object.assign(state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    return work();
  } finally {
    Object.assign(state, { activeTape, gradientDepth, kernelDepth });
  }
}

/** Returns the results of the operations on the tape, except those that share the data of an input. */
export function tapeResults(): tf.Tensor[] {
  return (engine().state.activeTape ?? []).flatMap(({ inputs, outputs }) => {
    const former = new Set(Object.values(inputs).map(({ dataId }) => dataId));
    return outputs.filter(({ dataId }) => !former.has(dataId));
  });
}

/**
 * Returns the gradients of the floating results of `f` with respect to `xs`, given the gradients of the results. For a
 * tensor that `f` does not use, returns zeros.
 *
 * @param f The function.
 * @param xs Tensors that the function uses.
 * @param dys Gradients of the function's results.
 */
export function gradientsOf(
  f: () => tf.Tensor[],
  xs: readonly tf.Tensor[],
  dys: readonly tf.Tensor[],
): tf.Tensor[] {
  // The engine differentiates a single tensor. This one passes `dys` to all results.
  const seeded = () =>
    engine().runKernelFunc({
      forwardFunc: () => tf.scalar(0) as tf.Tensor,
      backwardsFunc: () => Object.fromEntries(dys.map((dy, i) => [i, () => tf.clone(dy)])),
      inputs: { ...f() } as unknown as Record<string, tf.Tensor>,
    });
  const { grads } = engine().gradients(seeded, [...xs], null, true);
  return xs.map((x, i) => grads[i] ?? tf.zerosLike(x));
}
