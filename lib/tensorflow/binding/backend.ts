/**
 * The TF.js backend `tensorflow`: tfjs-node-gpu's kernels on losskit's binding of libtensorflow.
 *
 * @module
 */
import "./shim.ts";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { nodeFileSystemRouter } from "@tensorflow/tfjs-node-gpu/dist/io/file_system.js";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import { optionNames, requireKnownNames } from "../../error/known_names.ts";
import { UserError } from "../../error/user_error.ts";
import { Binding } from "./binding.ts";
import { disposedTensor } from "./entry.ts";
import { installBroadcastProducts } from "./broadcast_products.ts";
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
import { NO_YNNPACK, QUICK_COMPILING } from "../native/xla_flags.ts";

/** The TensorFlow library that TF.js uses in this process. */
export interface TensorFlow {
  /** Version of the library, such as 2.21.0. */
  readonly version: string;
  /** Number of threads per op, as passed to {@linkcode useTensorFlow}. Undefined: TensorFlow's default. */
  readonly threads: number | undefined;
  /** Device that runs ops: `cpu`, or the name of the GPU. */
  readonly device: string;
  /** True if ops run on a GPU. */
  readonly usesGpu: boolean;
  /** True if every op gives the same bits in every run. */
  readonly deterministicOps: boolean;
  /** SHA-256 of the Python wheel that contained the library. Undefined if not known. */
  readonly wheelSha256: string | undefined;
  /** Number of native tensor handles that are not freed. If the number stays constant over steps, no memory leaks. */
  readonly liveHandles: number;
}

/** The parts of a running TensorFlow that only losskit's own files use. */
export interface TensorFlowInternals {
  /** The library and its handles. */
  readonly runtime: Runtime;
  /** The binding below TF.js. */
  readonly binding: Binding;
  /** TF.js's backend. */
  readonly backend: OpBackend;
}

/** Options of {@linkcode useTensorFlow}. */
export interface UseTensorFlowOptions {
  /**
   * Number of threads within an op, at least 1. Cannot be changed once TensorFlow runs. Default: the number of cores.
   */
  threads?: number;
  /**
   * Device that runs ops. `auto` selects an NVIDIA GPU if one is usable, and downloads CUDA's libraries for it (3.3
   * GB). Cannot be changed once TensorFlow runs. Default: the environment variable `LOSSKIT_DEVICE`, or `auto` if it is
   * not set.
   */
  device?: DeviceRequest;
  /**
   * True to require that ops give the same bits in every run. Ops that cannot do so then throw. Cannot be changed once
   * TensorFlow runs in this process or its workers. Default: the setting of the process, initially false.
   */
  deterministicOps?: boolean;
}

/** Names of the options. */
const NAMES = optionNames<UseTensorFlowOptions>({ threads: true, device: true, deterministicOps: true });

let active: Promise<TensorFlow> | undefined;
let current: TensorFlowInternals | undefined;

/**
 * Registers libtensorflow as TF.js's backend. Downloads the library first if it is missing. Later calls return the same
 * object.
 *
 * @param options Threads, device and determinism of ops.
 * @returns The running TensorFlow.
 * @throws {RangeError} If an option is unknown, the number of threads is below 1, or an option differs from that of the
 * running TensorFlow.
 * @throws {UserError} If the library cannot be found or downloaded, a requested GPU is not usable, or a Deno permission
 * is missing.
 */
export async function useTensorFlow(options: UseTensorFlowOptions = {}): Promise<TensorFlow> {
  requireKnownNames(options, NAMES, "start TensorFlow");
  active ??= start(options).catch((error) => {
    active = undefined; // a later call may succeed, for instance when the network is back
    throw error instanceof Deno.errors.NotCapable ? missingPermission(error) : error;
  });
  const tensorflow = await active;
  const running = {
    threads: tensorflow.threads,
    device: tensorflow.usesGpu ? "gpu" : "cpu",
    deterministicOps: tensorflow.deterministicOps,
  };
  for (const key of ["threads", "device", "deterministicOps"] as const) {
    const wanted = options[key];
    if (wanted === undefined || wanted === "auto" || wanted === running[key]) continue;
    throw fixedOption(key, running[key] ?? "TensorFlow's own choice", wanted);
  }
  return tensorflow;
}

/** Creates the error for a missing Deno permission. */
function missingPermission(cause: Error): UserError {
  const flag = /--allow-[a-z]+/.exec(cause.message)?.[0] ?? "--allow-all";
  const whole = flag === "--allow-ffi"
    ? " TensorFlow also loads the C library and CUDA's driver: pass the flag without a path."
    : "";
  return new UserError(
    `Cannot start TensorFlow: expected the permission ${flag}, got the error "${cause.message}". Add ${flag} to \`deno run\`.${whole}`,
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
    // XLA ends the process at an unknown flag. Only the pinned build is known to have these.
    ...(device === "cpu" && library.wheelSha256 !== undefined && { ...QUICK_COMPILING, ...NO_YNNPACK }),
    // CUDA's compiler package contains `ptxas` and `libdevice`.
    ...(device === "gpu" && { xla_gpu_cuda_data_dir: join(dirname(library.dir), "nvidia", "cuda_nvcc") }),
  };
  const runtime = Runtime.open({ ...library, intraOpThreads: threads, device, deterministicOps, xlaFlags });
  if (device === "gpu" && !runtime.usesGpu) {
    console.error(
      `using the CPU: expected a TensorFlow that finds the GPU and CUDA, got the one in ${library.dir}`,
    );
  }
  const binding = new Binding(runtime);
  // TF.js types the binding as its own addon, which has the same methods.
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
  installBroadcastProducts(bound);
  installLayerTypes(bound);
  await tf.setBackend("tensorflow");
  tf.io.registerLoadRouter(nodeFileSystemRouter);
  tf.io.registerSaveRouter(nodeFileSystemRouter);
  globalThis.addEventListener("unload", () => runtime.close());
  current = { runtime, ...bound };
  const tensorflow: TensorFlow = {
    version: runtime.version,
    threads,
    device: runtime.usesGpu ? machine.nvidia?.gpus[0]?.name ?? "gpu" : "cpu",
    usesGpu: runtime.usesGpu,
    deterministicOps: runtime.deterministicOps,
    wheelSha256: library.wheelSha256,
    get liveHandles() {
      return runtime.liveHandles;
    },
  };
  // Notebooks and consoles print this text instead of thousands of lines of symbols.
  const text = `TensorFlow ${runtime.version} on ${tensorflow.device}`;
  Object.defineProperty(tensorflow, Symbol.for("Deno.customInspect"), { value: () => text });
  return tensorflow;
}

/**
 * Makes ops throw a clear error for a tensor whose data is deleted. TF.js's engine would throw an unrelated error. A
 * disposed tensor stays usable while a clone keeps its data, because some of TF.js's gradients rely on that, such as
 * that of `tf.logSigmoid`.
 */
function refuseDisposed(backend: OpBackend): void {
  const { getInputTensorIds } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const tensor of tensors) {
      if (tensor instanceof tf.Tensor && tensor.isDisposed && !backend.tensorMap.has(tensor.dataId)) {
        throw disposedTensor(`a tensor of shape [${tensor.shape}]`);
      }
    }
    return getInputTensorIds.call(backend, tensors);
  };
}

/**
 * Returns the running TensorFlow. Synchronous code calls it after {@linkcode useTensorFlow}.
 *
 * @throws {Error} If {@linkcode useTensorFlow} was not called or has not completed.
 */
export function currentTensorFlow(): TensorFlowInternals {
  if (current === undefined) {
    throw new Error(
      "Cannot run TensorFlow ops: expected a running TensorFlow, got none. Call `await useTensorFlow()` first.",
    );
  }
  return current;
}
