/**
 * One native call: an op, or a compiled function, on eager handles.
 *
 * @module
 */
import { type Attribute, eagerSetters, setAttribute } from "./attribute.ts";
import { cString, type Pointer, type Runtime } from "./runtime.ts";

/** Most results that one op may have; a traced training step returns three tensors a parameter. */
const MAX_RESULTS = 4096;

/** What an op is called with. */
export interface EagerCall {
  /** Handles, which the caller goes on to own. */
  readonly inputs: readonly Pointer[];
  /** Attributes, of the types that the inputs have. */
  readonly attributes: readonly Attribute[];
  /** Most results that the op gives. */
  readonly numOutputs: number;
  /** Types and shapes of the inputs, for errors. */
  readonly describe: () => string[];
  /** Called once the op holds its inputs: what is let go of here may be overwritten by the op. */
  readonly release?: () => void;
}

/** Runs ops natively, and counts them. */
export class EagerCalls {
  readonly #runtime: Runtime;
  readonly #setters: ReturnType<typeof eagerSetters>;
  readonly #results = new BigUint64Array(MAX_RESULTS);
  readonly #resultCount = new Int32Array(1);
  #count = 0;

  /** Calls of a runtime. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#setters = eagerSetters(runtime);
  }

  /** How many calls there were. */
  get count(): number {
    return this.#count;
  }

  /**
   * Runs an op or a function. The caller owns the results.
   *
   * @throws {TensorFlowError} naming the op and its inputs.
   */
  execute(name: string, call: EagerCall): Pointer[] {
    const { cc, status, context } = this.#runtime;
    if (call.numOutputs > MAX_RESULTS) {
      throw new RangeError(`Cannot run ${name}: at most ${MAX_RESULTS} results: wanted ${call.numOutputs}`);
    }
    const op = cc.TFE_NewOp(context, cString(name), status);
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
