/**
 * SavedModels of Python's TensorFlow: loads them and runs parts of their graphs, selected by names of nodes. The names
 * in a signature are read by `saved_model.js` of tfjs-node-gpu.
 *
 * @module
 */
import { toOutputs } from "../native/graph_output.ts";
import { cString, type Pointer } from "../native/c_values.ts";
import type { Runtime } from "../native/runtime.ts";

/** A loaded graph with its variables. */
interface Loaded {
  graph: Pointer;
  session: Pointer;
}

/** The SavedModels that a binding has loaded, by number. */
export class SavedModels {
  readonly #runtime: Runtime;
  readonly #loaded = new Map<number, Loaded>();
  #next = 0;

  /** Creates an empty collection. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Number of loaded models. */
  get count(): number {
    return this.#loaded.size;
  }

  /**
   * Loads a SavedModel.
   *
   * @param directory Folder of the model.
   * @param tags Tags of the meta graph to load, separated by commas.
   * @returns Number of the loaded model.
   * @throws {TensorFlowError} If the model is unreadable or has no meta graph with these tags.
   */
  load(directory: string, tags: string): number {
    const { cc, status } = this.#runtime;
    const names = tags.split(",").map(cString);
    const addresses = BigUint64Array.from(
      names,
      (name) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(name)),
    );
    const options = cc.TF_NewSessionOptions();
    const graph = cc.TF_NewGraph();
    const session = cc.TF_LoadSessionFromSavedModel(
      ...[options, null, cString(directory), addresses, names.length, graph, null, status] as const,
    );
    cc.TF_DeleteSessionOptions(options);
    try {
      this.#runtime.check({ op: `SavedModel ${directory}` });
    } catch (error) {
      cc.TF_DeleteGraph(graph);
      throw error;
    }
    this.#loaded.set(this.#next, { graph, session });
    return this.#next++;
  }

  /**
   * Runs a model.
   *
   * @param id Number of the loaded model.
   * @param feed The eager handles to feed, the nodes that receive them, and the nodes to return (`name` or
   * `name:output`).
   * @returns Handles of the results. The caller owns them.
   * @throws {TypeError} If there is no such model or node.
   * @throws {TensorFlowError} If the run fails.
   */
  run(
    id: number,
    feed: { inputs: readonly Pointer[]; inputNames: readonly string[]; outputNames: readonly string[] },
  ): Pointer[] {
    const { inputs, inputNames, outputNames } = feed;
    const model = this.#get(id);
    if (inputs.length !== inputNames.length) {
      throw new TypeError(
        // The official addon's text, which TF.js's specs assert.
        `Length of input op names (${inputNames.length}) does not match the length of input tensors ` +
          `(${inputs.length}).`,
      );
    }
    const { cc, status } = this.#runtime;
    const inputEnds = this.#ends(model, inputNames);
    const outputEnds = this.#ends(model, outputNames);
    const results = new BigUint64Array(outputNames.length + 1);
    return this.#withTensors(inputs, (tensors) => {
      cc.TF_SessionRun(
        ...[model.session, null] as const,
        ...[inputEnds, tensors, inputNames.length] as const,
        ...[outputEnds, results, outputNames.length] as const,
        ...[null, 0, null, status] as const,
      );
      this.#runtime.check({ op: "SavedModel", inputs: () => [...inputNames] });
      return Array.from(
        results.subarray(0, outputNames.length),
        (address) => this.#runtime.memory.handleOfTensor(Deno.UnsafePointer.create(address)),
      );
    });
  }

  /** Frees a model. */
  delete(id: number): void {
    const { graph, session } = this.#get(id);
    this.#loaded.delete(id);
    const { cc, status } = this.#runtime;
    cc.TF_CloseSession(session, status);
    cc.TF_DeleteSession(session, status);
    cc.TF_DeleteGraph(graph);
    this.#runtime.check({ op: "SavedModel" });
  }

  #get(id: number): Loaded {
    const model = this.#loaded.get(id);
    if (model === undefined) {
      throw new TypeError(
        `Cannot use SavedModel ${id}: expected a loaded model, got a deleted or unknown one.`,
      );
    }
    return model;
  }

  /** Runs `use` with a C array of the addresses of the handles' tensors in host memory. */
  #withTensors<R>(handles: readonly Pointer[], use: (addresses: BigUint64Array<ArrayBuffer>) => R): R {
    const addresses = new BigUint64Array(handles.length + 1);
    const resolve = (i: number): R =>
      i === handles.length ? use(addresses) : this.#runtime.memory.withTensor(handles[i]!, (tensor) => {
        addresses[i] = Deno.UnsafePointer.value(tensor);
        return resolve(i + 1);
      });
    return resolve(0);
  }

  #ends({ graph }: Loaded, names: readonly string[]): Uint8Array<ArrayBuffer> {
    return toOutputs(names.map((name) => {
      const [, node, output] = /^(.*?)(?::(\d+))?$/.exec(name)!;
      const operation = this.#runtime.cc.TF_GraphOperationByName(graph, cString(node!));
      if (operation === null) {
        throw new TypeError(`Cannot run the SavedModel: expected a node of its graph, got ${node}.`);
      }
      return { operation, index: Number(output ?? 0) };
    }));
  }
}
