/**
 * Copies of tensor contents between JavaScript and native memory.
 *
 * @module
 */
import { elements, type Pointer, toDims } from "./c_values.ts";
import { DataType, dtypeName, elementBytes } from "./dtype.ts";
import type { Libraries } from "./symbols.ts";

/** Size of a `TF_TString` in bytes. TensorFlow stores short strings inside of it. */
const TSTRING_BYTES = 24;

/** Native functions, the status of their calls, and the count of handles. */
interface Native {
  readonly cc: Libraries["cc"];
  readonly status: Pointer;
  check(): void;
  adopt(handle: Pointer): Pointer;
}

/** Copies bytes and strings between JavaScript and the tensors of a runtime. */
export class TensorMemory {
  readonly #native: Native;
  readonly #framework: Libraries["framework"];

  /**
   * Creates the memory of a runtime.
   *
   * @param native Counts the handles and checks the calls.
   * @param framework Functions of `libtensorflow_framework`.
   */
  constructor(native: Native, framework: Libraries["framework"]) {
    this.#native = native;
    this.#framework = framework;
  }

  /**
   * Creates a handle of a tensor with a copy of the given bytes.
   *
   * @param data `dtype`, `shape`, and the bytes of the elements in row-major order.
   * @throws {TypeError} If the number of bytes does not match the shape. TensorFlow would read out of bounds.
   */
  handleOfBytes(data: { dtype: number; shape: readonly number[]; bytes: Uint8Array }): Pointer {
    const { dtype, shape, bytes } = data;
    const size = elementBytes(dtype);
    if (size === undefined) {
      throw new TypeError(
        `Cannot make a tensor from bytes: expected a type of fixed size, got ${dtypeName(dtype)}.`,
      );
    }
    const wanted = size * elements(shape);
    if (wanted !== bytes.byteLength) {
      throw new TypeError(
        `Cannot make a tensor of shape [${shape}] and type ${dtypeName(dtype)}: ` +
          `expected ${wanted} bytes, got ${bytes.byteLength}.`,
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
   * Runs `use` with a handle of a string tensor. Its strings are freed afterwards, because TensorFlow does not free
   * strings that were created through the C API. To keep the strings, copy the tensor with an op.
   */
  withStrings<R>(shape: readonly number[], strings: readonly Uint8Array[], use: (handle: Pointer) => R): R {
    if (strings.length !== elements(shape)) {
      throw new TypeError(
        `Cannot make a string tensor of shape [${shape}]: expected ${
          elements(shape)
        } strings, got ${strings.length}.`,
      );
    }
    const tensor = this.#allocate(DataType.STRING, shape, strings.length * TSTRING_BYTES);
    const start = this.#framework.TF_TensorData(tensor);
    const places = strings.map((_, i) => Deno.UnsafePointer.offset(start!, i * TSTRING_BYTES));
    strings.forEach((value, i) => {
      this.#native.cc.TF_StringInit(places[i]!);
      // C requires a pointer even for an empty string.
      const bytes = value.length === 0 ? new Uint8Array(1) : Uint8Array.from(value);
      this.#native.cc.TF_StringCopy(places[i]!, bytes, BigInt(value.length));
    });
    let handle: Pointer = null;
    try {
      handle = this.#native.cc.TFE_NewTensorHandle(tensor, this.#native.status);
      this.#native.check();
      return use(handle);
    } finally {
      if (handle !== null) this.#native.cc.TFE_DeleteTensorHandle(handle);
      for (const place of places) this.#native.cc.TF_StringDealloc(place);
      this.#framework.TF_DeleteTensor(tensor);
    }
  }

  #allocate(dtype: number, shape: readonly number[], bytes: number): Pointer {
    const tensor = this.#framework.TF_AllocateTensor(dtype, toDims(shape), shape.length, BigInt(bytes));
    if (tensor === null) {
      throw new Error(
        `Cannot allocate a tensor: expected ${bytes} bytes of free memory, got fewer. Use smaller tensors.`,
      );
    }
    return tensor;
  }

  /** Creates a handle of a native tensor. The handle takes ownership of the tensor. */
  handleOfTensor(tensor: Pointer): Pointer {
    const handle = this.#native.cc.TFE_NewTensorHandle(tensor, this.#native.status);
    this.#framework.TF_DeleteTensor(tensor); // the handle keeps its own reference
    this.#native.check();
    return this.#native.adopt(handle);
  }

  /** Returns a copy of the bytes of a handle's elements, in row-major order. */
  readBytes(handle: Pointer): ArrayBuffer {
    return this.withTensor(handle, (tensor) => {
      const length = Number(this.#framework.TF_TensorByteSize(tensor));
      if (length === 0) return new ArrayBuffer(0);
      return Deno.UnsafePointerView.getArrayBuffer(this.#framework.TF_TensorData(tensor)!, length).slice(0);
    });
  }

  /** Returns copies of the elements of a string handle. */
  readStrings(handle: Pointer, count: number): Uint8Array[] {
    return this.withTensor(handle, (tensor) => {
      const start = this.#framework.TF_TensorData(tensor);
      return Array.from({ length: count }, (_, i) => {
        const place = Deno.UnsafePointer.offset(start!, i * TSTRING_BYTES);
        const length = Number(this.#native.cc.TF_StringGetSize(place));
        if (length === 0) return new Uint8Array(0);
        const data = this.#native.cc.TF_StringGetDataPointer(place);
        return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(data!, length).slice(0));
      });
    });
  }

  /** Runs `use` with the tensor of a handle in host memory. The tensor may share the handle's memory. */
  withTensor<R>(handle: Pointer, use: (tensor: Pointer) => R): R {
    const tensor = this.#native.cc.TFE_TensorHandleResolve(handle, this.#native.status);
    this.#native.check();
    try {
      return use(tensor);
    } finally {
      this.#framework.TF_DeleteTensor(tensor);
    }
  }
}
