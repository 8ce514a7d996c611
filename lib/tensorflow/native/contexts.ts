/**
 * The eager contexts of a runtime. They share the memory of tensors, but each has its own threads. Ops and most
 * functions run in the first context.
 *
 * Functions of small ops run in the second context, where an op has one thread. Waking another thread would take longer
 * than the op. Several of these ops still run at the same time.
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { cString, type Pointer } from "./c_values.ts";
import type { Device } from "./device.ts";
import type { Libraries } from "./symbols.ts";

/** Options of an eager context. */
export interface ContextOptions {
  /** Number of threads within an op, at least 1. Default: the number of cores. */
  intraOpThreads?: number | undefined;
  /** Number of ops of a graph that run at the same time, at least 1. Default: the number of cores. */
  interOpThreads?: number | undefined;
  /** Device that runs ops by default. Default: the CPU, even if there is a GPU. */
  device?: Device | undefined;
}

/** The native functions, the status of their calls, and a function that throws if the status is an error. */
interface Native {
  readonly cc: Libraries["cc"];
  readonly status: Pointer;
  check(where?: { op: string }): void;
}

/** The contexts, with the functions registered in them. */
export class Contexts {
  /** Number of threads within an op in the first context. */
  readonly threads: number;
  readonly #native: Native;
  #first: Pointer;
  /** The second context. Undefined if ops have one thread in the first context too, or run on a GPU. */
  readonly #serial: Pointer | undefined;
  readonly #serialNames = new Set<string>();

  /** Creates the contexts. */
  constructor(native: Native, options: ContextOptions) {
    this.#native = native;
    this.#first = newContext(native, options);
    const { intraOpThreads = navigator.hardwareConcurrency, device } = options;
    this.threads = intraOpThreads;
    if (device !== "gpu" && intraOpThreads > 1) {
      this.#serial = newContext(native, { ...options, intraOpThreads: 1 });
    }
  }

  /** Returns the context in which an op or a function runs. */
  of(name: string): Pointer {
    return this.#serialNames.has(name) ? this.#serial! : this.#first;
  }

  /** Registers a function in all contexts, because other functions may call it. */
  add(name: string, made: Pointer, { serial }: { serial: boolean }): void {
    const { cc, status } = this.#native;
    for (const context of this.#all()) {
      cc.TFE_ContextAddFunction(context, made, status);
      this.#native.check({ op: "TFE_ContextAddFunction" });
    }
    if (serial && this.#serial !== undefined) this.#serialNames.add(name);
  }

  /** Removes a function. */
  remove(name: string): void {
    const { cc, status } = this.#native;
    for (const context of this.#all()) {
      cc.TFE_ContextRemoveFunction(context, cString(name), status);
      this.#native.check({ op: name });
    }
    this.#serialNames.delete(name);
  }

  /** Deletes the contexts. Returns false if they are already deleted. */
  close(): boolean {
    if (this.#first === null) return false;
    for (const context of this.#all()) this.#native.cc.TFE_DeleteContext(context);
    this.#first = null;
    return true;
  }

  #all(): Pointer[] {
    return [this.#first, ...(this.#serial === undefined ? [] : [this.#serial])];
  }
}

function newContext(native: Native, options: ContextOptions): Pointer {
  const { cc, status } = native;
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
  const contextOptions = cc.TFE_NewContextOptions();
  try {
    cc.TFE_ContextOptionsSetConfig(contextOptions, bytes, BigInt(bytes.length), status);
    native.check();
    const context = cc.TFE_NewContext(contextOptions, status);
    native.check();
    return context;
  } finally {
    cc.TFE_DeleteContextOptions(contextOptions);
  }
}
