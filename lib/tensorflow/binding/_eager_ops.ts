/**
 * Eager ops on the binding's tensors.
 *
 * @module
 */
import type { Pointer } from "../native/c_values.ts";
import type { Attribute } from "../native/attribute.ts";
import { dtypeName } from "../native/dtype.ts";
import { EagerCalls } from "../native/eager_call.ts";
import type { OpDefinitions } from "../native/op_definition.ts";
import type { Runtime } from "../native/runtime.ts";
import { withTypes } from "./conversions.ts";
import { type Entry, staleSymbol } from "./entry.ts";

/** A call of an op, without its inputs. */
export interface Op {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly numOutputs: number;
}

/** Runs eager ops on entries. */
export class EagerOps {
  readonly #runtime: Runtime;
  readonly #definitions: OpDefinitions;
  /** Calls by name on handles. */
  readonly calls: EagerCalls;

  constructor(runtime: Runtime, definitions: OpDefinitions) {
    this.#runtime = runtime;
    this.#definitions = definitions;
    this.calls = new EagerCalls(runtime);
  }

  /** Runs an op in the types of its inputs. The caller owns the results. */
  run(
    { name, attributes, numOutputs }: Op,
    inputs: readonly Entry[],
  ): { handle: Pointer; dtype: number; shape: number[] }[] {
    const typed = withTypes(attributes, this.#definitions.get(name), inputs);
    return this.calls.execute(name, {
      attributes: typed,
      numOutputs,
      inputs: inputs.map((entry) => {
        if (entry.handle === undefined) throw staleSymbol(entry);
        return entry.handle;
      }),
      describe: () => inputs.map((entry) => `${dtypeName(entry.dtype)}[${entry.shape}]`),
    }).map((handle) => ({ handle, ...this.#runtime.describe(handle) }));
  }
}
