/**
 * The nodes of a graph with their inputs. Finds the nodes that the results of a function depend on.
 *
 * @module
 */
import type { Pointer } from "./c_values.ts";
import type { Attribute } from "./attribute.ts";
import type { GraphOutput, GraphValue } from "./graph_output.ts";
import type { OpDefinition } from "./op_definition.ts";

/** An op to add to a graph. */
export interface GraphOp {
  /** Name of the op. */
  readonly name: string;
  /** TensorFlow's definition of the op. */
  readonly definition: OpDefinition;
  /** Attributes of the op. */
  readonly attributes: readonly Attribute[];
  /** Inputs of the op, in order. */
  readonly inputs: readonly GraphValue[];
  /** Number of outputs of the op. */
  readonly outputs: number;
}

/** The nodes of a graph, without its placeholders. */
export class GraphNodes {
  readonly #inputs = new Map<Pointer, readonly GraphOutput[]>();

  /** Records a node and its inputs. */
  add(node: Pointer, inputs: readonly GraphOutput[]): void {
    this.#inputs.set(node, inputs);
  }

  /** Returns the nodes that compute the outputs, in the order of their creation. */
  neededFor(outputs: readonly GraphOutput[]): Pointer[] {
    const needed = new Set<Pointer>(), open = [...outputs];
    for (let output = open.pop(); output !== undefined; output = open.pop()) {
      if (needed.has(output.operation)) continue;
      needed.add(output.operation);
      for (const input of this.#inputs.get(output.operation) ?? []) open.push(input);
    }
    return [...this.#inputs.keys()].filter((node) => needed.has(node));
  }
}

/** Returns pointers as a C array. The array has at least one entry, because an empty array has no address. */
export function toPointers(pointers: readonly Pointer[]): BigUint64Array<ArrayBuffer> {
  const array = new BigUint64Array(Math.max(1, pointers.length));
  pointers.forEach((pointer, i) => array[i] = BigInt(Deno.UnsafePointer.value(pointer)));
  return array;
}
