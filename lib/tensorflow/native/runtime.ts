/**
 * One TensorFlow in this process: its libraries, its eager context, checked calls, and tensors in and out.
 *
 * It is the only file that talks to a status. What the values mean (autocast, TF.js's tensors, traces) is above it.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Device } from "./device.ts";
import { DataType, dtypeName, elementBytes } from "./dtype.ts";
import { type Libraries, openLibraries } from "./symbols.ts";
import { quietly } from "./stderr.ts";
import { TensorFlowError } from "./tensorflow_error.ts";
import { unset, withVariables } from "./variables.ts";
import { KEEP_NAN, withXlaFlags, type XlaFlags } from "./xla_flags.ts";

/** A native pointer, null where C says NULL. */
export type Pointer = Deno.PointerValue;

/** Bytes that may be handed to C: their buffer is not shared. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** `sizeof(TF_TString)`, TensorFlow's string, small ones held inside. */
const TSTRING_BYTES = 24;

/** More threads than any machine has: TensorFlow would start them all, and hang. */
const MAX_THREADS = 1024;

const encoder = new TextEncoder();

/** C strings are made once a name: op and attribute names recur at every call. */
const cStrings = new Map<string, Bytes>();

/** A NUL-terminated copy of a name, kept for the process. */
export function cString(text: string): Bytes {
  let bytes = cStrings.get(text);
  if (bytes === undefined) cStrings.set(text, bytes = encoder.encode(text + "\0"));
  return bytes;
}

/** What a runtime is opened with. */
export interface RuntimeOptions {
  /** Path of `libtensorflow_framework`. */
  framework: string;
  /** Path of `libtensorflow_cc`. */
  cc: string;
  /** Threads inside one op, at least 1. Default: as many as cores. */
  intraOpThreads?: number | undefined;
  /** Ops of one graph at a time, at least 1. Default: TensorFlow's own choice, the cores. */
  interOpThreads?: number | undefined;
  /** What ops run on by default. Default: the CPU, whatever GPUs there are. */
  device?: Device | undefined;
  /** Makes every op give the same bits in every run, or refuse to run. Default: the process's setting, false at first. */
  deterministicOps?: boolean | undefined;
  /** Flags for XLA beside the user's `XLA_FLAGS`. Default: none. */
  xlaFlags?: XlaFlags;
}

/**
 * Variables that TensorFlow reads while it starts: hides warnings (errors reach the caller through the status), and gives
 * each context a thread pool of its own, so that a worker's `threads` count for it.
 */
const START = { TF_CPP_MIN_LOG_LEVEL: "2", TF_OVERRIDE_GLOBAL_THREADPOOL: "1" };

/** The error for an option that TensorFlow already runs with another value of. */
export function fixedOption(name: string, running: unknown, wanted: unknown): RangeError {
  return new RangeError(
    `Cannot change TensorFlow's ${name}: expected ${running}, which this process runs with, got ${wanted}. ` +
      "Start another process.",
  );
}

/** TensorFlow's libraries with an eager context. */
export class Runtime {
  /** The version that the library reports, such as `2.21.0`. */
  readonly version: string;
  /** Full names of the devices that ops can run on, such as `/job:localhost/replica:0/task:0/device:CPU:0`, with their type. */
  readonly devices: readonly { readonly name: string; readonly type: string }[];
  /**
   * The functions of `libtensorflow_cc`, for this folder.
   *
   * @internal
   */
  readonly cc: Libraries["cc"];
  readonly #framework: Libraries["framework"];
  readonly #status: Pointer;
  #context: Pointer;
  #handles = 0;
  /** Undefined once XLA has read its flags. */
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
    this.#context = this.#newContext(options);
    this.devices = this.#listDevices();
  }

  /**
   * Opens TensorFlow. Its start-up messages (which instructions it uses, that oneDNN is on) are not shown.
   *
   * @throws {RangeError} for a thread count outside of 1 to 1024.
   * @throws {UserError} when a library cannot be opened.
   */
  static open(options: RuntimeOptions): Runtime {
    for (const key of ["intraOpThreads", "interOpThreads"] as const) {
      const value = options[key];
      if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= MAX_THREADS)) {
        throw new RangeError(
          `Cannot start TensorFlow: expected ${key} from 1 to ${MAX_THREADS}, a whole number, got ${value}.`,
        );
      }
    }
    return quietly(() => withVariables(unset(START), () => new Runtime(openLibraries(options), options)));
  }

  /** Sets what belongs to the process. Later runtimes, such as those of workers, find it as it is. */
  #setProcessState({ deterministicOps }: RuntimeOptions): void {
    // NVIDIA's matrix units round float32 inputs to 10 bits of mantissa by default.
    this.#framework._ZN3tsl32enable_tensor_float_32_executionEb(false);
    if (deterministicOps !== undefined) this.#framework._ZN3tsl19EnableOpDeterminismEb(deterministicOps);
  }

  /** Has XLA read its flags, before it first compiles. Builds without this function read the user's flags alone. */
  readXlaFlags(): void {
    if (this.#xlaFlags === undefined) return;
    const parse = this.cc._ZN3xla28ParseDebugOptionFlagsFromEnvEb;
    // XLA ends the process at an unknown flag: newer builds may lack this one.
    const isKnown = Number(this.version.split(".")[1]) <= 21;
    if (parse !== null) withXlaFlags({ ...isKnown && KEEP_NAN, ...this.#xlaFlags }, () => parse(false));
    this.#xlaFlags = undefined;
  }

  #newContext(options: RuntimeOptions): Pointer {
    const config = new BinaryWriter(); // tensorflow.ConfigProto
    if (options.device === "gpu") {
      config.tag(6, WireType.LengthDelimited).fork().tag(4, WireType.Varint).bool(true).join(); // gpu_options.allow_growth
    } else {
      config.tag(1, WireType.LengthDelimited).fork(); // device_count: { "GPU": 0 }
      config.tag(1, WireType.LengthDelimited).string("GPU").tag(2, WireType.Varint).int32(0).join();
    }
    if (options.intraOpThreads !== undefined) config.tag(2, WireType.Varint).int32(options.intraOpThreads);
    if (options.interOpThreads !== undefined) config.tag(5, WireType.Varint).int32(options.interOpThreads);
    const bytes = config.finish();
    const contextOptions = this.cc.TFE_NewContextOptions();
    try {
      this.cc.TFE_ContextOptionsSetConfig(contextOptions, bytes, BigInt(bytes.length), this.#status);
      this.check();
      const context = this.cc.TFE_NewContext(contextOptions, this.#status);
      this.check();
      return context;
    } finally {
      this.cc.TFE_DeleteContextOptions(contextOptions);
    }
  }

  #listDevices(): { name: string; type: string }[] {
    const list = this.cc.TFE_ContextListDevices(this.#context, this.#status);
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

  /** Whether ops run on a GPU by default. */
  get usesGpu(): boolean {
    return this.devices.some(({ type }) => type === "GPU");
  }

  /** Whether NVIDIA's matrix units may round float32 inputs to TF32. Never so here; asked of the library. */
  get tensorFloat32(): boolean {
    return this.#framework._ZN3tsl33tensor_float_32_execution_enabledEv();
  }

  /** Whether ops without a deterministic kernel are refused. */
  get deterministicOps(): boolean {
    return this.#framework._ZN3tsl21OpDeterminismRequiredEv();
  }

  /** The eager context, for calls that need it. */
  get context(): Pointer {
    return this.#context;
  }

  /** The status to hand to a call that {@linkcode check} follows. */
  get status(): Pointer {
    return this.#status;
  }

  /** Tensor handles made and not yet deleted. */
  get liveHandles(): number {
    return this.#handles;
  }

  /**
   * Throws what the last call with {@linkcode status} reported.
   *
   * @throws {TensorFlowError} when it was not OK.
   */
  check(where?: { op?: string; inputs?: () => string[] }): void {
    const code = this.#framework.TF_GetCode(this.#status);
    if (code === 0) return;
    const message = Deno.UnsafePointerView.getCString(this.#framework.TF_Message(this.#status)!);
    throw new TensorFlowError({ code, message }, { op: where?.op, inputs: where?.inputs?.() });
  }

  /** Takes count of a handle that a native call returned. */
  adopt(handle: Pointer): Pointer {
    this.#handles++;
    return handle;
  }

  /** Deletes a handle. */
  deleteHandle(handle: Pointer): void {
    this.#handles--;
    this.cc.TFE_DeleteTensorHandle(handle);
  }

  /** Frees a function. */
  removeFunction(name: string): void {
    this.cc.TFE_ContextRemoveFunction(this.context, encoder.encode(`${name}\0`), this.#status);
    this.check({ op: name });
  }

  /** A second handle of the same memory, with a life of its own. */
  shareHandle(handle: Pointer): Pointer {
    const copy = this.cc.TFE_TensorHandleCopySharingTensor(handle, this.#status);
    this.check();
    return this.adopt(copy);
  }

  /**
   * A handle over a copy of the bytes.
   *
   * @param data `dtype`, `shape` and the elements' bytes in C order.
   * @throws {TypeError} when the bytes do not fill the shape: TensorFlow would read past them.
   */
  handleOfBytes(data: { dtype: number; shape: readonly number[]; bytes: Uint8Array }): Pointer {
    const { dtype, shape, bytes } = data;
    const size = elementBytes(dtype);
    if (size === undefined) {
      throw new TypeError(`Cannot make a tensor of bytes: ${dtypeName(dtype)} has none`);
    }
    const wanted = size * elements(shape);
    if (wanted !== bytes.byteLength) {
      throw new TypeError(
        `Cannot make a tensor of shape [${shape}] and type ${dtypeName(dtype)}: ` +
          `its data must be ${wanted} bytes long: it is ${bytes.byteLength}`,
      );
    }
    const tensor = this.#allocate(dtype, shape, bytes.byteLength);
    if (bytes.byteLength > 0) {
      const target = Deno.UnsafePointerView.getArrayBuffer(
        this.#framework.TF_TensorData(tensor)!,
        bytes.byteLength,
      );
      new Uint8Array(target).set(bytes);
    }
    return this.handleOfTensor(tensor);
  }

  /**
   * Runs `use` with a handle over copies of byte strings, which end with it: TensorFlow frees a tensor of the C API
   * without freeing the strings in it, so that what is to stay has to be copied by an op.
   */
  withStrings<R>(shape: readonly number[], strings: readonly Uint8Array[], use: (handle: Pointer) => R): R {
    if (strings.length !== elements(shape)) {
      throw new TypeError(
        `Cannot make a string tensor of shape [${shape}]: wanted ${
          elements(shape)
        } strings, given ${strings.length}`,
      );
    }
    const tensor = this.#allocate(DataType.STRING, shape, strings.length * TSTRING_BYTES);
    const start = this.#framework.TF_TensorData(tensor);
    const places = strings.map((_, i) => Deno.UnsafePointer.offset(start!, i * TSTRING_BYTES));
    strings.forEach((value, i) => {
      this.cc.TF_StringInit(places[i]!);
      // C gets a pointer even where there is nothing to copy.
      const bytes = value.length === 0 ? new Uint8Array(1) : Uint8Array.from(value);
      this.cc.TF_StringCopy(places[i]!, bytes, BigInt(value.length));
    });
    let handle: Pointer = null;
    try {
      handle = this.cc.TFE_NewTensorHandle(tensor, this.#status);
      this.check();
      return use(handle);
    } finally {
      if (handle !== null) this.cc.TFE_DeleteTensorHandle(handle);
      for (const place of places) this.cc.TF_StringDealloc(place);
      this.#framework.TF_DeleteTensor(tensor);
    }
  }

  #allocate(dtype: number, shape: readonly number[], bytes: number): Pointer {
    const tensor = this.#framework.TF_AllocateTensor(dtype, toDims(shape), shape.length, BigInt(bytes));
    if (tensor === null) {
      throw new Error(`Cannot allocate a tensor of ${bytes} bytes: the machine's memory is full`);
    }
    return tensor;
  }

  /** A handle over a native tensor, which it takes. */
  handleOfTensor(tensor: Pointer): Pointer {
    const handle = this.cc.TFE_NewTensorHandle(tensor, this.#status);
    this.#framework.TF_DeleteTensor(tensor); // the handle holds it now
    this.check();
    return this.adopt(handle);
  }

  /** A copy of a handle's elements in C order. */
  readBytes(handle: Pointer): ArrayBuffer {
    return this.withTensor(handle, (tensor) => {
      const length = Number(this.#framework.TF_TensorByteSize(tensor));
      if (length === 0) return new ArrayBuffer(0);
      return Deno.UnsafePointerView.getArrayBuffer(this.#framework.TF_TensorData(tensor)!, length).slice(0);
    });
  }

  /** Copies of a string handle's elements. */
  readStrings(handle: Pointer, count: number): Uint8Array[] {
    return this.withTensor(handle, (tensor) => {
      const start = this.#framework.TF_TensorData(tensor);
      return Array.from({ length: count }, (_, i) => {
        const place = Deno.UnsafePointer.offset(start!, i * TSTRING_BYTES);
        const length = Number(this.cc.TF_StringGetSize(place));
        if (length === 0) return new Uint8Array(0);
        const data = this.cc.TF_StringGetDataPointer(place);
        return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data!, length).slice(0));
      });
    });
  }

  /** Runs `use` with the host tensor behind a handle, which may share its memory. */
  withTensor<R>(handle: Pointer, use: (tensor: Pointer) => R): R {
    const tensor = this.cc.TFE_TensorHandleResolve(handle, this.#status);
    this.check();
    try {
      return use(tensor);
    } finally {
      this.#framework.TF_DeleteTensor(tensor);
    }
  }

  /** The type and shape of a handle's tensor. */
  describe(handle: Pointer): { dtype: number; shape: number[] } {
    const rank = this.cc.TFE_TensorHandleNumDims(handle, this.#status);
    this.check();
    const shape = Array.from(
      { length: rank },
      (_, i) => Number(this.cc.TFE_TensorHandleDim(handle, i, this.#status)),
    );
    return { dtype: this.cc.TFE_TensorHandleDataType(handle), shape };
  }

  /**
   * Ends the context, after which nothing may be called. Without this order TensorFlow's own threads may outlive
   * what they use while the process exits.
   */
  close(): void {
    if (this.#context === null) return;
    this.cc.TFE_DeleteContext(this.#context);
    this.#context = null;
    this.#framework.TF_DeleteStatus(this.#status);
  }
}

/** How many elements a shape holds. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Dimensions as C's `int64_t` array; never empty, since an empty one has no address. */
export function toDims(shape: readonly number[]): BigInt64Array<ArrayBuffer> {
  const dims = new BigInt64Array(Math.max(1, shape.length));
  shape.forEach((size, i) => dims[i] = BigInt(size));
  return dims;
}
