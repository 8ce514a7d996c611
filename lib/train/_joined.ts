/**
 * Concatenation of small parameters into a few vectors. An optimizer treats all elements alike, and a call per small
 * tensor would cost more than the arithmetic.
 *
 * AdamW's moments stay joined from step to step, by the names of their parameters. Checkpoints contain them by
 * parameter.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import type { ParameterRecord, Parameters } from "../model/mod.ts";
import { elements } from "../tensorflow/native/c_values.ts";

/** Number of elements from which a parameter is not concatenated, because the copy would cost more than a call. */
const ALONE_FROM = 2 ** 17;

/** Parameters that are concatenated into one vector, in order. */
export interface Group {
  /** Names of the parameters. */
  readonly names: readonly string[];
  /** True if the parameters have rank 2 or more. Only such parameters have weight decay. */
  readonly matrices: boolean;
}

/** Shapes by parameter. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Separator of names in the key of a group: a character that no name contains. */
const AND = "\0";

/**
 * Groups parameters. A large parameter is a group of its own; the others are grouped by rank below 2, and 2 or more.
 */
export function groupsOf(shapes: Shapes): Group[] {
  const groups: Group[] = [], small = new Map<boolean, string[]>([[true, []], [false, []]]);
  for (const [name, shape] of Object.entries(shapes)) {
    const isMatrix = shape.length >= 2;
    if (elements(shape) >= ALONE_FROM) groups.push({ names: [name], matrices: isMatrix });
    else small.get(isMatrix)!.push(name);
  }
  for (const [matrices, names] of small) if (names.length > 0) groups.push({ names, matrices });
  return groups;
}

/** Returns the shapes of parameters, which are tensors or records of numbers. */
export function shapesOf(
  parameters: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): Shapes {
  return Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
}

/** Returns the key of a group in a joined slot: the names of its parameters. */
export function groupKey({ names }: Group): string {
  return names.join(AND);
}

/** Returns the shapes of a joined slot, by group. A parameter that is alone keeps its shape. */
export function joinedShapes(shapes: Shapes): Shapes {
  return Object.fromEntries(
    groupsOf(shapes).map((group) => {
      const own = group.names.map((name) => shapes[name]!);
      return [
        groupKey(group),
        own.length === 1 ? own[0]! : [own.reduce((sum, one) => sum + elements(one), 0)],
      ];
    }),
  );
}

/** Joins a slot by parameter. */
export function joinSlot(slot: Parameters): Parameters {
  return Object.fromEntries(
    groupsOf(shapesOf(slot)).map((group) => [
      groupKey(group),
      group.names.length === 1 ? slot[group.names[0]!]! : joined(slot, group),
    ]),
  );
}

/** Separates a joined slot, with the shapes of the parameters. */
export function separateSlot(slot: Parameters, parameters: Parameters): Parameters {
  return Object.assign(
    {},
    ...Object.entries(slot).map(([key, vector]) =>
      separate(vector, { names: key.split(AND), matrices: false }, parameters)
    ),
  );
}

/** Joins values by parameter, as {@linkcode joinSlot} does for tensors. */
export function joinRecord(record: ParameterRecord): ParameterRecord {
  return Object.fromEntries(
    Object.entries(joinedShapes(shapesOf(record))).map(([key, shape]) => {
      const names = key.split(AND);
      if (names.length === 1) return [key, record[key]!];
      const values = new Float32Array(elements(shape));
      let at = 0;
      for (const name of names) {
        values.set(record[name]!.values, at);
        at += record[name]!.values.length;
      }
      return [key, { shape: [...shape], values }];
    }),
  );
}

/**
 * Separates the values of a slot, joined or not.
 *
 * @param shapes Shapes of the parameters. The result has their order.
 */
export function separateRecord(slot: ParameterRecord, shapes: Shapes): ParameterRecord {
  const found: Record<string, ParameterRecord[string]> = {};
  for (const [key, { shape, values }] of Object.entries(slot)) {
    const names = key.split(AND);
    let at = 0;
    for (const name of names) {
      const own = names.length === 1 ? shape : [...shapes[name]!], next = at + elements(own);
      found[name] = { shape: own, values: values.subarray(at, next) };
      at = next;
    }
  }
  return Object.fromEntries(Object.keys(shapes).flatMap((name) => found[name] ? [[name, found[name]]] : []));
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
