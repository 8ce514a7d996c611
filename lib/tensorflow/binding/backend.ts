/**
 * TF.js on libtensorflow: the backend `tensorflow`, made of tfjs-node-gpu's kernels over our binding.
 *
 * @module
 */
import "./shim.ts";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { nodeFileSystemRouter } from "@tensorflow/tfjs-node-gpu/dist/io/file_system.js";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import { UserError } from "../../error/user_error.ts";
import { Binding } from "./binding.ts";
import { installDispatch } from "./dispatch.ts";
import { chooseDevice, type DeviceRequest, parseDevice } from "../native/device.ts";
import { findLibTensorFlow, THIS_MACHINE } from "../native/install.ts";
import { registerKernels } from "./kernels.ts";
import { registerMoreKernels } from "./more_kernels.ts";
import { registerNanKernels } from "./nan_kernels.ts";
import type { OpBackend } from "./op_backend.ts";
import { probeMachine } from "../native/probe_machine.ts";
import { fixedOption, Runtime } from "../native/runtime.ts";
import { installLayerTypes } from "./layer_types.ts";
import { registerUnitKernels } from "./unit_kernels.ts";
import { QUICK_COMPILING } from "../native/xla_flags.ts";

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
  /** What ops run on: `cpu`, or the name of the GPU. */
  readonly device: string;
  /** SHA-256 of the wheel that the library came from, where it is known. */
  readonly wheelSha256: string | undefined;
}

/** How TensorFlow is started. */
export interface UseTensorFlowOptions {
  /** Threads inside one op, at least 1. Default: as many as cores. Fixed once TensorFlow runs. */
  threads?: number;
  /**
   * What ops run on. Default: what `LOSSKIT_DEVICE` says (`auto`, `cpu` or `gpu`), or else `auto`: an NVIDIA GPU where one
   * can be used, for which CUDA's libraries are fetched (3.3 GB). Fixed once TensorFlow runs.
   */
  device?: DeviceRequest;
  /**
   * Makes every op give the same bits in every run, or refuse to run. Default: the process's setting, false at first.
   * Fixed once TensorFlow runs in this process, for its workers too.
   */
  deterministicOps?: boolean;
}

let active: Promise<TensorFlow> | undefined;
let current: TensorFlow | undefined;

/**
 * Makes libtensorflow TF.js's backend, fetching the library first where the machine has none. A second call returns
 * the same.
 *
 * @param options See {@linkcode UseTensorFlowOptions}.
 * @returns The running TensorFlow.
 * @throws {RangeError} for a thread count under 1, or another choice than TensorFlow already runs with.
 * @throws {UserError} when the library can neither be found nor fetched, or a GPU was asked for and cannot be used.
 */
export async function useTensorFlow(options: UseTensorFlowOptions = {}): Promise<TensorFlow> {
  active ??= start(options).catch((error) => {
    active = undefined; // a later call may succeed, such as one after the network is back
    throw error instanceof Deno.errors.NotCapable ? missingPermission(error) : error;
  });
  const tensorflow = await active;
  const running = {
    threads: tensorflow.threads,
    device: tensorflow.runtime.usesGpu ? "gpu" : "cpu",
    deterministicOps: tensorflow.runtime.deterministicOps,
  };
  for (const key of ["threads", "device", "deterministicOps"] as const) {
    const wanted = options[key];
    if (wanted === undefined || wanted === "auto" || wanted === running[key]) continue;
    throw fixedOption(key, running[key] ?? "TensorFlow's own choice", wanted);
  }
  return tensorflow;
}

/** The error for a permission that Deno was not given. */
function missingPermission(cause: Error): UserError {
  const flag = /--allow-[a-z]+/.exec(cause.message)?.[0] ?? "--allow-all";
  const whole = flag === "--allow-ffi" ? " It loads the C library and CUDA's driver too: give no path." : "";
  return new UserError(
    `Cannot start TensorFlow: expected the permission ${flag}, got: ${cause.message}. Add ${flag} to \`deno run\`.${whole}`,
    { cause },
  );
}

async function start({ threads, deterministicOps, ...options }: UseTensorFlowOptions): Promise<TensorFlow> {
  const machine = probeMachine();
  const { device, warning } = chooseDevice(
    options.device ?? parseDevice(Deno.env.get("LOSSKIT_DEVICE")),
    machine,
  );
  if (warning !== undefined) console.error(warning);
  const library = await findLibTensorFlow(THIS_MACHINE, { device });
  const xlaFlags = {
    // XLA ends the process at an unknown flag: only the pinned build gets this one.
    ...(device === "cpu" && library.wheelSha256 !== undefined && QUICK_COMPILING),
    // CUDA's compiler package has `ptxas` and `libdevice`.
    ...(device === "gpu" && { xla_gpu_cuda_data_dir: join(dirname(library.dir), "nvidia", "cuda_nvcc") }),
  };
  const runtime = Runtime.open({ ...library, intraOpThreads: threads, device, deterministicOps, xlaFlags });
  if (device === "gpu" && !runtime.usesGpu) {
    console.error(`running on the CPU: TensorFlow from ${library.dir} finds no GPU, or no CUDA for it`);
  }
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
  registerNanKernels(binding);
  registerMoreKernels();
  const bound = { binding, backend: backend as unknown as OpBackend };
  registerUnitKernels(bound);
  installDispatch(bound);
  installLayerTypes(bound);
  await tf.setBackend("tensorflow");
  tf.io.registerLoadRouter(nodeFileSystemRouter);
  tf.io.registerSaveRouter(nodeFileSystemRouter);
  globalThis.addEventListener("unload", () => runtime.close());
  current = {
    runtime,
    binding,
    backend: backend as unknown as OpBackend,
    threads,
    device: runtime.usesGpu ? machine.nvidia?.gpus[0]?.name ?? "gpu" : "cpu",
    wheelSha256: library.wheelSha256,
  };
  // A notebook or a console that prints it shows this in place of thousands of lines of symbols.
  const text = `TensorFlow ${runtime.version} on ${current.device}`;
  Object.defineProperty(current, Symbol.for("Deno.customInspect"), { value: () => text });
  return current;
}

/**
 * A tensor whose data is gone is named as that: TF.js's engine would stumble over its missing record. One that was
 * disposed of while a clone keeps its data goes on working: gradients of TF.js (that of `tf.logSigmoid`) rely on it.
 */
function refuseDisposed(backend: OpBackend): void {
  const { getInputTensorIds } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const tensor of tensors) {
      if (tensor instanceof tf.Tensor && tensor.isDisposed && !backend.tensorMap.has(tensor.dataId)) {
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
