/**
 * Parameters as few vectors: an optimizer does the same to every number, and a call for each of dozens of small tensors
 * costs more than the numbers do.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { Parameters } from "../model/mod.ts";

/** Numbers from which on a parameter is a vector of its own: joining copies. */
const ALONE_FROM = 2 ** 17;

/** Parameters that are one vector together, in order. */
export interface Group {
  /** Their names. */
  readonly names: readonly string[];
  /** Whether they are of rank 2 and more, which decay. */
  readonly matrices: boolean;
}

/** The groups of parameters: large ones alone, the others by rank. */
export function groupsOf(parameters: Parameters): Group[] {
  const groups: Group[] = [], small = new Map<boolean, string[]>([[true, []], [false, []]]);
  for (const [name, { rank, size }] of Object.entries(parameters)) {
    if (size >= ALONE_FROM) groups.push({ names: [name], matrices: rank >= 2 });
    else small.get(rank >= 2)!.push(name);
  }
  for (const [matrices, names] of small) if (names.length > 0) groups.push({ names, matrices });
  return groups;
}

/** The numbers of a group, one parameter after the other. */
export function joined(tensors: Parameters, { names }: Group): tf.Tensor1D {
  const parts = names.map((name) => tf.reshape(tensors[name]!, [-1]) as tf.Tensor1D);
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 0) as tf.Tensor1D;
}

/** The tensors that a vector is of, shaped as `like` are. */
export function separate(vector: tf.Tensor, { names }: Group, like: Parameters): Parameters {
  const sizes = names.map((name) => like[name]!.size);
  const parts = names.length === 1 ? [vector] : tf.split(vector, sizes, 0);
  return Object.fromEntries(names.map((name, i) => [name, tf.reshape(parts[i]!, like[name]!.shape)]));
}
