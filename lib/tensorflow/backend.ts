/**
 * TF.js on libtensorflow: the backend `tensorflow`, made of tfjs-node-gpu's kernels over our binding.
 *
 * @module
 */
import "./shim.ts";
import * as tf from "@tensorflow/tfjs";
import { nodeFileSystemRouter } from "@tensorflow/tfjs-node-gpu/dist/io/file_system.js";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import { Binding } from "./binding.ts";
import { findLibTensorFlow } from "./install.ts";
import { registerKernels } from "./kernels.ts";
import type { OpBackend } from "./op_backend.ts";
import { Runtime } from "./runtime.ts";

/** TensorFlow as TF.js runs on it in this process. */
export interface TensorFlow {
  /** The library, its version and its live handles. */
  readonly runtime: Runtime;
  /** The binding under TF.js. */
  readonly binding: Binding;
  /** TF.js's backend. */
  readonly backend: OpBackend;
  /** Threads that ops run on, as asked for; undefined: TensorFlow's choice. */
  readonly threads: number | undefined;
  /** SHA-256 of the wheel that the library came from, where it is known. */
  readonly wheelSha256: string | undefined;
}

/** How TensorFlow is started. */
export interface UseTensorFlowOptions {
  /** Threads inside one op, at least 1. Default: as many as cores. Fixed once TensorFlow runs. */
  threads?: number;
}

let active: Promise<TensorFlow> | undefined;
let current: TensorFlow | undefined;

/**
 * Makes libtensorflow TF.js's backend, fetching the library first where the machine has none. A second call returns
 * the same.
 *
 * @param options See {@linkcode UseTensorFlowOptions}.
 * @returns The running TensorFlow.
 * @throws {RangeError} for a thread count under 1, or another one than TensorFlow already runs with.
 * @throws {UserError} when the library can neither be found nor fetched.
 */
export async function useTensorFlow(options: UseTensorFlowOptions = {}): Promise<TensorFlow> {
  active ??= start(options).catch((error) => {
    active = undefined; // a later call may succeed, such as one after the network is back
    throw error;
  });
  const tensorflow = await active;
  if (options.threads !== undefined && options.threads !== tensorflow.threads) {
    throw new RangeError(
      `Cannot change TensorFlow's threads: it runs with ${tensorflow.threads ?? "its own choice"}, wanted ` +
        `${options.threads}. Threads are fixed when TensorFlow starts: start another process.`,
    );
  }
  return tensorflow;
}

async function start({ threads }: UseTensorFlowOptions): Promise<TensorFlow> {
  const library = await findLibTensorFlow();
  const runtime = Runtime.open({ ...library, intraOpThreads: threads });
  const binding = new Binding(runtime);
  // TF.js types the binding as its own addon; the boundary is the same.
  const backend = new NodeJSKernelBackend(
    binding as unknown as ConstructorParameters<typeof NodeJSKernelBackend>[0],
    "@tensorflow/tfjs-node-gpu",
  );
  refuseDisposed(backend as unknown as OpBackend);
  tf.registerBackend("tensorflow", () => backend, 3);
  await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
  registerKernels();
  await tf.setBackend("tensorflow");
  tf.io.registerLoadRouter(nodeFileSystemRouter);
  tf.io.registerSaveRouter(nodeFileSystemRouter);
  globalThis.addEventListener("unload", () => runtime.close());
  current = {
    runtime,
    binding,
    backend: backend as unknown as OpBackend,
    threads,
    wheelSha256: library.wheelSha256,
  };
  return current;
}

/** A tensor that was disposed of is named as that: TF.js's engine would stumble over its missing record. */
function refuseDisposed(backend: OpBackend): void {
  const { getInputTensorIds } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const tensor of tensors) {
      if (tensor instanceof tf.Tensor && tensor.isDisposed) {
        throw new Error(`Cannot use a tensor of shape [${tensor.shape}]: it was disposed of`);
      }
    }
    return getInputTensorIds.call(backend, tensors);
  };
}

/**
 * The running TensorFlow, for code that cannot wait.
 *
 * @throws {Error} when {@linkcode useTensorFlow} has not finished.
 */
export function currentTensorFlow(): TensorFlow {
  if (current === undefined) {
    throw new Error(
      "Cannot run TensorFlow ops: TensorFlow is not started. Call `await useTensorFlow()` first.",
    );
  }
  return current;
}
