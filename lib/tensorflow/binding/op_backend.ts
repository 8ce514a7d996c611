/**
 * The part of tfjs-node's backend that op-level code calls, as a type.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import type { Attribute } from "../native/attribute.ts";

/** The part of tfjs-node's backend that op-level code calls. */
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
  /** A TF.js tensor for a tensor of the binding. */
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): tf.Tensor;
  /** The binding's numbers of TF.js's tensors; values still on the host are handed to TensorFlow. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** What the backend knows of the data behind tensors. */
  readonly tensorMap: {
    /** Whether the data is still there: a clone may outlive the tensor that it was made of. */
    has(dataId: object): boolean;
  };
}
