/**
 * The type of tfjs-node's backend, as far as op-level code uses it.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Attribute } from "../native/attribute.ts";

/** The methods of tfjs-node's backend that op-level code calls. */
export interface OpBackend {
  /** Runs an op with one result. */
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  /** Runs an op with several results. */
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  /** Creates a TF.js tensor for a tensor of the binding. */
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): tf.Tensor;
  /** Returns the binding's numbers of TF.js's tensors. Uploads values that are still on the host. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** The backend's records of tensor data. */
  readonly tensorMap: {
    /** Returns whether the data exists. A clone may outlive its original tensor. */
    has(dataId: object): boolean;
  };
}

/** The part of TF.js's backend that writes host values. */
export interface WritingBackend extends OpBackend {
  write(values: unknown, shape: readonly number[], dtype: string): object;
}
