/**
 * The TensorFlow of this process: its libraries, its eager contexts, and checked calls.
 *
 * Only this file reads the status of native calls. The binding above it adds TF.js's tensors, autocast and traces.
 *
 * @module
 */
import type { Pointer } from "./c_values.ts";
import { type ContextOptions, Contexts } from "./contexts.ts";
import { type Libraries, openLibraries } from "./symbols.ts";
import { quietly } from "./output.ts";
import { TensorFlowError } from "./tensorflow_error.ts";
import { TensorMemory } from "./tensor_memory.ts";
import { unset, withVariables } from "./variables.ts";
import { KEEP_NAN, withXlaFlags, type XlaFlags } from "./xla_flags.ts";

/** Maximum number of threads. TensorFlow itself would start any number and hang. */
const MAX_THREADS = 1024;

/** Options of {@linkcode Runtime.open}. */
export interface RuntimeOptions extends ContextOptions {
  /** Path of `libtensorflow_framework`. */
  framework: string;
  /** Path of `libtensorflow_cc`. */
  cc: string;
  /**
   * True to make ops give the same bits in every run, or throw. Default: the setting of the process, initially false.
   */
  deterministicOps?: boolean | undefined;
  /** XLA flags in addition to the user's `XLA_FLAGS`. Default: none. */
  xlaFlags?: XlaFlags;
}

/**
 * Environment variables that TensorFlow reads when it starts. The first hides warnings, because callers receive errors
 * through the status. The second gives each context its own thread pool, so that a worker's `threads` applies to its
 * own context.
 */
const START = { TF_CPP_MIN_LOG_LEVEL: "2", TF_OVERRIDE_GLOBAL_THREADPOOL: "1" };

/** Creates the error for an option that differs from that of the running TensorFlow. */
export function fixedOption(name: string, running: unknown, wanted: unknown): RangeError {
  return new RangeError(
    `Cannot change TensorFlow's ${name}: expected ${running}, which this process already uses, got ${wanted}. ` +
      "Start another process.",
  );
}

/** TensorFlow's libraries with their eager contexts. */
export class Runtime {
  /** Version that the library reports, such as `2.21.0`. */
  readonly version: string;
  /**
   * Types and names of the devices that can run ops. A name is, for example,
   * `/job:localhost/replica:0/task:0/device:CPU:0`.
   */
  readonly devices: readonly { readonly name: string; readonly type: string }[];
  /**
   * The functions of `libtensorflow_cc`, for use within this folder.
   *
   * @internal
   */
  readonly cc: Libraries["cc"];
  /** Access to the contents of tensors. */
  readonly memory: TensorMemory;
  readonly #framework: Libraries["framework"];
  readonly #status: Pointer;
  readonly #contexts: Contexts;
  #handles = 0;
  /** XLA flags to set. Undefined once XLA has read its flags. */
  #xlaFlags: XlaFlags | undefined;

  private constructor(libraries: Libraries, options: RuntimeOptions) {
    this.#xlaFlags = options.xlaFlags ?? {};
    this.cc = libraries.cc;
    this.#framework = libraries.framework;
    this.#status = this.#framework.TF_NewStatus();
    this.version = Deno.UnsafePointerView.getCString(this.cc.TF_Version()!);
    if (libraries.isFirst) this.#setProcessState(options);
    const { deterministicOps } = this;
    if (deterministicOps !== (options.deterministicOps ?? deterministicOps)) {
      throw fixedOption("deterministicOps", deterministicOps, options.deterministicOps!);
    }
    this.#contexts = new Contexts(this, options);
    this.memory = new TensorMemory(this, libraries.framework);
    this.devices = this.#listDevices();
  }

  /**
   * Opens TensorFlow. Its start-up messages, for example about CPU instructions and oneDNN, are hidden.
   *
   * @throws {RangeError} If a number of threads is not in [1, 1024].
   * @throws {UserError} If a library cannot be opened.
   */
  static open(options: RuntimeOptions): Runtime {
    for (const key of ["intraOpThreads", "interOpThreads"] as const) {
      const value = options[key];
      if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= MAX_THREADS)) {
        throw new RangeError(
          `Cannot start TensorFlow: expected ${key} as an integer from 1 to ${MAX_THREADS}, got ${value}.`,
        );
      }
    }
    return quietly(() => withVariables(unset(START), () => new Runtime(openLibraries(options), options)));
  }

  /** Applies settings that the whole process shares. Runtimes in workers have the same settings. */
  #setProcessState({ deterministicOps }: RuntimeOptions): void {
    // NVIDIA's matrix units round float32 inputs to 10 bits of mantissa by default.
    this.#framework._ZN3tsl32enable_tensor_float_32_executionEb(false);
    if (deterministicOps !== undefined) this.#framework._ZN3tsl19EnableOpDeterminismEb(deterministicOps);
  }

  /** Makes XLA read its flags before its first compilation. Older builds of TensorFlow read only the user's flags. */
  readXlaFlags(): void {
    if (this.#xlaFlags === undefined) return;
    const parse = this.cc._ZN3xla28ParseDebugOptionFlagsFromEnvEb;
    // XLA ends the process at an unknown flag, and newer builds may lack this one.
    const isKnown = Number(this.version.split(".")[1]) <= 21;
    if (parse !== null) withXlaFlags({ ...isKnown && KEEP_NAN, ...this.#xlaFlags }, () => parse(false));
    this.#xlaFlags = undefined;
  }

  #listDevices(): { name: string; type: string }[] {
    const list = this.cc.TFE_ContextListDevices(this.context, this.#status);
    this.check();
    try {
      const text = (pointer: Pointer) => Deno.UnsafePointerView.getCString(pointer!);
      return Array.from({ length: this.cc.TF_DeviceListCount(list) }, (_, i) => ({
        name: text(this.cc.TF_DeviceListName(list, i, this.#status)),
        type: text(this.cc.TF_DeviceListType(list, i, this.#status)),
      }));
    } finally {
      this.cc.TF_DeleteDeviceList(list);
    }
  }

  /** Number of threads within an op. */
  get threads(): number {
    return this.#contexts.threads;
  }

  /** True if ops run on a GPU by default. */
  get usesGpu(): boolean {
    return this.devices.some(({ type }) => type === "GPU");
  }

  /**
   * True if NVIDIA's matrix units may round float32 inputs to TF32. losskit sets it to false; this value is read from
   * the library.
   */
  get tensorFloat32(): boolean {
    return this.#framework._ZN3tsl33tensor_float_32_execution_enabledEv();
  }

  /** True if ops without a deterministic kernel throw. */
  get deterministicOps(): boolean {
    return this.#framework._ZN3tsl21OpDeterminismRequiredEv();
  }

  /** The eager context, for native calls that require it. */
  get context(): Pointer {
    return this.#contexts.of("");
  }

  /** Returns the eager context in which an op or a function runs. */
  contextOf(name: string): Pointer {
    return this.#contexts.of(name);
  }

  /** The status object to pass to a native call. {@linkcode check} reads it. */
  get status(): Pointer {
    return this.#status;
  }

  /** Number of tensor handles that are not deleted yet. */
  get liveHandles(): number {
    return this.#handles;
  }

  /**
   * Throws if the last call with {@linkcode status} failed.
   *
   * @throws {TensorFlowError} If the status is not OK.
   */
  check(where?: { op?: string; inputs?: () => string[] }): void {
    const code = this.#framework.TF_GetCode(this.#status);
    if (code === 0) return;
    const message = Deno.UnsafePointerView.getCString(this.#framework.TF_Message(this.#status)!);
    throw new TensorFlowError({ code, message }, { op: where?.op, inputs: where?.inputs?.() });
  }

  /** Counts a handle that a native call returned. */
  adopt(handle: Pointer): Pointer {
    this.#handles++;
    return handle;
  }

  /** Deletes a handle. */
  deleteHandle(handle: Pointer): void {
    this.#handles--;
    this.cc.TFE_DeleteTensorHandle(handle);
  }

  /**
   * Registers a function.
   *
   * @param name A name not yet used in the process.
   * @param made The native function; the caller keeps ownership.
   * @param options `serial`: whether each of its ops runs on one thread.
   */
  addFunction(name: string, made: Pointer, options: { serial: boolean }): void {
    this.#contexts.add(name, made, options);
  }

  /** Frees a function. */
  removeFunction(name: string): void {
    this.#contexts.remove(name);
  }

  /** Returns a second handle of the same memory, which the caller deletes separately. */
  shareHandle(handle: Pointer): Pointer {
    const copy = this.cc.TFE_TensorHandleCopySharingTensor(handle, this.#status);
    this.check();
    return this.adopt(copy);
  }

  /** Returns the type and shape of a handle's tensor. */
  describe(handle: Pointer): { dtype: number; shape: number[] } {
    const rank = this.cc.TFE_TensorHandleNumDims(handle, this.#status);
    this.check();
    const shape = Array.from(
      { length: rank },
      (_, i) => Number(this.cc.TFE_TensorHandleDim(handle, i, this.#status)),
    );
    return { dtype: this.cc.TFE_TensorHandleDataType(handle), shape };
  }

  /** Closes the context. No call may follow. Otherwise TensorFlow's threads may use freed memory at exit. */
  close(): void {
    if (!this.#contexts.close()) return;
    this.#framework.TF_DeleteStatus(this.#status);
  }
}
