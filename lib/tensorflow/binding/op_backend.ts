/**
 * The type of tfjs-node's backend, limited to the methods that losskit calls.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Attribute } from "../native/attribute.ts";

/** The methods of tfjs-node's backend that losskit calls. */
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
  /** Returns the binding's numbers of TF.js's tensors. Values that are still in JavaScript are uploaded first. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** The backend's records of tensor data. */
  readonly tensorMap: {
    /** Returns true if the data exists. A clone may outlive its original tensor. */
    has(dataId: object): boolean;
  };
}

/** The part of TF.js's backend that writes JavaScript values. */
export interface WritingBackend extends OpBackend {
  write(values: unknown, shape: readonly number[], dtype: string): object;
}
