/**
 * Native calls of an op or a compiled function on eager handles.
 *
 * @module
 */
import { type Attribute, eagerSetters, setAttribute } from "./attribute.ts";
import { cString, type Pointer } from "./c_values.ts";
import type { Runtime } from "./runtime.ts";

/** Maximum number of results of an op. A traced training step returns three tensors per parameter. */
const MAX_RESULTS = 4096;

/** Arguments of a native call. */
export interface EagerCall {
  /** Input handles. The caller keeps ownership. */
  readonly inputs: readonly Pointer[];
  /** Attributes, which must match the types of the inputs. */
  readonly attributes: readonly Attribute[];
  /** The maximum number of results. */
  readonly numOutputs: number;
  /** Returns the types and shapes of the inputs, for error messages. */
  readonly describe: () => string[];
  /** Called when the op holds its inputs. If the callback releases inputs, the op may overwrite their memory. */
  readonly release?: () => void;
}

/** Runs and counts native ops. */
export class EagerCalls {
  readonly #runtime: Runtime;
  readonly #setters: ReturnType<typeof eagerSetters>;
  readonly #results = new BigUint64Array(MAX_RESULTS);
  readonly #resultCount = new Int32Array(1);
  #count = 0;

  /** Creates a counter of a runtime's calls. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#setters = eagerSetters(runtime);
  }

  /** Number of calls so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Runs an op or a function. The caller owns the results.
   *
   * @throws {TensorFlowError} If the call fails. The error names the op and its inputs.
   */
  execute(name: string, call: EagerCall): Pointer[] {
    const { cc, status } = this.#runtime;
    if (call.numOutputs > MAX_RESULTS) {
      throw new RangeError(
        `Cannot run ${name}: expected at most ${MAX_RESULTS} results, got ${call.numOutputs}.`,
      );
    }
    const op = cc.TFE_NewOp(this.#runtime.contextOf(name), cString(name), status);
    this.#runtime.check({ op: name });
    try {
      for (const input of call.inputs) cc.TFE_OpAddInput(op, input, status);
      for (const attribute of call.attributes) setAttribute(op, attribute, this.#setters);
      call.release?.();
      this.#resultCount[0] = call.numOutputs;
      this.#count++;
      cc.TFE_Execute(op, this.#results, this.#resultCount, status);
      this.#runtime.check({ op: name, inputs: call.describe });
    } finally {
      cc.TFE_DeleteOp(op);
    }
    return Array.from(
      this.#results.subarray(0, this.#resultCount[0]),
      (address) => this.#runtime.adopt(Deno.UnsafePointer.create(address)),
    );
  }
}
