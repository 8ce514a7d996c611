/**
 * Concatenation of small parameters into a few vectors. An optimizer treats all elements alike, and a call per small
 * tensor would cost more than the arithmetic.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";

/** Number of elements from which a parameter is not concatenated, because the copy would cost more than a call. */
const ALONE_FROM = 2 ** 17;

/** Parameters that are concatenated into one vector, in order. */
export interface Group {
  /** Names of the parameters. */
  readonly names: readonly string[];
  /** True if the parameters have rank 2 or more. Only such parameters have weight decay. */
  readonly matrices: boolean;
}

/**
 * Groups parameters. A large parameter is a group of its own; the others are grouped by rank below 2, and 2 or more.
 */
export function groupsOf(parameters: Parameters): Group[] {
  const groups: Group[] = [], small = new Map<boolean, string[]>([[true, []], [false, []]]);
  for (const [name, { rank, size }] of Object.entries(parameters)) {
    if (size >= ALONE_FROM) groups.push({ names: [name], matrices: rank >= 2 });
    else small.get(rank >= 2)!.push(name);
  }
  for (const [matrices, names] of small) if (names.length > 0) groups.push({ names, matrices });
  return groups;
}

/** Concatenates the tensors of a group. */
export function joined(tensors: Parameters, { names }: Group): tf.Tensor1D {
  const parts = names.map((name) => tf.reshape(tensors[name]!, [-1]) as tf.Tensor1D);
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0) as tf.Tensor1D;
}

/** Splits a vector into the tensors of its group, with the shapes of `like`. */
export function separate(vector: tf.Tensor, { names }: Group, like: Parameters): Parameters {
  const sizes = names.map((name) => like[name]!.size);
  const parts = names.length === 1 ? [vector] : tf.split(vector, sizes, 0);
  return Object.fromEntries(names.map((name, i) => [name, tf.reshape(parts[i]!, like[name]!.shape)]));
}
