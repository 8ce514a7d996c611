/**
 * Kernels that tfjs-node-gpu lacks, implemented with TensorFlow's ops.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";
import type { OpBackend } from "./op_backend.ts";

const type = (name: string, value: number) => ({ name, type: AttributeType.TYPE, value });

/** The arguments of a kernel. */
interface Call {
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
  backend: OpBackend;
}

const KERNELS: Readonly<Record<string, (call: Call) => tf.Tensor | tf.Tensor[]>> = {
  BitwiseAnd: ({ inputs: { a, b }, backend }) =>
    backend.executeSingleOutput("BitwiseAnd", [type("T", DataType.INT32)], [a!, b!]),
  DenseBincount: ({ inputs: { x, weights }, attrs: { size, binaryOutput }, backend }) =>
    tf.tidy(() => {
      const attributes = [
        type("Tidx", DataType.INT32),
        type("T", DataType.FLOAT),
        { name: "binary_output", type: AttributeType.BOOL, value: binaryOutput },
      ];
      return backend.executeSingleOutput("DenseBincount", attributes, [
        x!,
        tf.scalar(size as number, "int32"),
        weights!,
      ]);
    }),
  MaxPoolWithArgmax: maxPoolWithArgmax,
  RotateWithOffset: rotateWithOffset,
  SearchSorted: ({ inputs: { sortedSequence, values }, attrs: { side }, backend }) =>
    backend.executeSingleOutput(side === "left" ? "LowerBound" : "UpperBound", [
      type("T", DataType.FLOAT),
      type("out_type", DataType.INT32),
    ], [sortedSequence!, values!]),
  Transform: ({ inputs: { image, transforms }, attrs, backend }) => {
    const { interpolation, fillMode, fillValue, outputShape } = attrs as unknown as TransformAttributes;
    const size = outputShape ?? image!.shape.slice(1, 3);
    requireImageSize([image!.shape[0]!, ...size, image!.shape[3]!]);
    requireWord("interpolation", interpolation, ["nearest", "bilinear"]);
    requireWord("fillMode", fillMode, ["constant", "reflect", "wrap", "nearest"]);
    return tf.tidy(() => {
      const attributes = [
        type("dtype", DataType.FLOAT),
        { name: "interpolation", type: AttributeType.STRING, value: interpolation.toUpperCase() },
        { name: "fill_mode", type: AttributeType.STRING, value: fillMode.toUpperCase() },
      ];
      const rest = [tf.tensor1d(size, "int32"), tf.scalar(fillValue)];
      return backend.executeSingleOutput("ImageProjectiveTransformV3", attributes, [
        image!,
        transforms!,
        ...rest,
      ]);
    });
  },
};

/** Arguments of `tf.image.transform` except its tensors. */
interface TransformAttributes {
  readonly interpolation: string;
  readonly fillMode: string;
  readonly fillValue: number;
  readonly outputShape?: number[] | null;
}

/** Throws for an unknown word. TensorFlow itself would only log the word and use an arbitrary mode. */
function requireWord(name: string, given: string, words: readonly string[]): void {
  if (words.includes(given)) return;
  throw new RangeError(`Cannot transform images: expected ${name} ${words.join(" or ")}, got ${given}.`);
}

/** Throws for an image that is too large for TensorFlow, which validates the size too late. */
function requireImageSize(shape: readonly number[]): void {
  const fits = shape.every((size) => Number.isInteger(size) && size >= 0 && size < 2 ** 31);
  if (fits && shape.reduce((product, size) => product * Math.max(1, size), 1) < 2 ** 53) return;
  throw new RangeError(
    `Cannot transform images: expected an output shape of integers under 2^31, got [${shape}].`,
  );
}

/**
 * Rotates images as TF.js's CPU backend does. Source pixels are computed in float64, because float32 would round
 * half-way coordinates to other pixels.
 */
function rotateWithOffset({ inputs, attrs }: Call): tf.Tensor {
  const image = inputs["image"]!;
  const { radians, fillValue, center } = attrs as unknown as {
    radians: number;
    fillValue: number | readonly number[];
    center: number | [number, number];
  };
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  if (image.size === 0) return tf.clone(image);
  const [centerX, centerY] = tf.backend_util.getImageCenter(center, height, width);
  const sine = Math.sin(radians), cosine = Math.cos(radians);
  const outside = height * width;
  const sources = new Int32Array(outside).map((_, pixel) => {
    const x = pixel % width - centerX, y = Math.floor(pixel / width) - centerY;
    const column = Math.round(x * cosine - y * sine + centerX);
    const row = Math.round(x * sine + y * cosine + centerY);
    const isInside = column >= 0 && column < width && row >= 0 && row < height;
    return isInside ? row * width + column : outside;
  });
  const fill = Array.from({ length: channels }, (_, channel) => {
    if (typeof fillValue === "number") return fillValue;
    return channel === 3 ? OPAQUE : fillValue[channel] ?? NaN;
  });
  return tf.tidy(() => {
    // Keep the image's type, so that no policy rounds the pixels.
    const pixels = tf.reshape(image, [batch, outside, channels]);
    const filler = tf.tile(tf.tensor(fill, [1, 1, channels], image.dtype), [batch, 1, 1]);
    const padded = tf.concat([pixels, filler], 1);
    return tf.reshape(tf.gather(padded, tf.tensor1d(sources, "int32"), 1), image.shape);
  });
}

/** The alpha value of pixels that are filled with a color. */
const OPAQUE = 255;

/** Returns the maxima of `tf.maxPool` and their indices. NaN counts as the largest value. */
function maxPoolWithArgmax({ inputs, attrs, backend }: Call): tf.Tensor[] {
  const x = inputs["x"] as tf.Tensor4D;
  const { filterSize, strides, pad, includeBatchInIndex } = attrs as unknown as {
    filterSize: number | [number, number];
    strides: number | [number, number];
    pad: "valid" | "same";
    includeBatchInIndex: boolean;
  };
  const info = tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad);
  const attributes = [
    type("T", DataType.FLOAT),
    type("Targmax", DataType.INT32),
    { name: "ksize", type: AttributeType.INT, value: [1, info.filterHeight, info.filterWidth, 1] },
    { name: "strides", type: AttributeType.INT, value: [1, info.strideHeight, info.strideWidth, 1] },
    { name: "padding", type: AttributeType.STRING, value: info.padInfo.type },
    { name: "include_batch_in_index", type: AttributeType.BOOL, value: includeBatchInIndex },
  ];
  const run = (values: tf.Tensor) =>
    backend.executeMultipleOutputs("MaxPoolWithArgmax", attributes, [values], 2);
  if (x.dtype !== "float32") return run(x);
  return tf.tidy(() => {
    const [, positions] = run(tf.where(tf.isNaN(x), Infinity, x));
    return [tf.maxPool(x, filterSize, strides, pad), positions!];
  });
}

/** Registers the kernels of this file for the TensorFlow backend. */
export function registerMoreKernels(): void {
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: (call) => kernel(call as unknown as Call),
    });
  }
}
