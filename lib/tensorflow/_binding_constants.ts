/**
 * The parts of TF.js's binding that do not depend on a running TensorFlow: its numbers, and what it does not offer.
 *
 * @module
 */
import { type Attribute, AttributeType } from "./attribute.ts";
import { DataType } from "./dtype.ts";

/** What TF.js learns of a result. */
export class TensorMetadata {
  /** @param id The binding's number; @param shape Its shape; @param dtype Its `TF_DataType` as TF.js sees it. */
  constructor(readonly id: number, readonly shape: number[], readonly dtype: number) {}
}

/** Constants that TF.js's kernels read from their binding, and answers that are the same always. */
export class BindingConstants {
  readonly TensorMetadata: typeof TensorMetadata = TensorMetadata;
  readonly TFEOpAttr: new () => Attribute = class implements Attribute {
    name = "";
    type = 0;
    value: unknown;
  };
  readonly TF_FLOAT = DataType.FLOAT;
  readonly TF_INT32 = DataType.INT32;
  readonly TF_INT64 = DataType.INT64;
  readonly TF_BOOL = DataType.BOOL;
  readonly TF_COMPLEX64 = DataType.COMPLEX64;
  readonly TF_STRING = DataType.STRING;
  readonly TF_RESOURCE = DataType.RESOURCE;
  readonly TF_UINT8 = DataType.UINT8;
  readonly TF_ATTR_STRING = AttributeType.STRING;
  readonly TF_ATTR_INT = AttributeType.INT;
  readonly TF_ATTR_FLOAT = AttributeType.FLOAT;
  readonly TF_ATTR_BOOL = AttributeType.BOOL;
  readonly TF_ATTR_TYPE = AttributeType.TYPE;
  readonly TF_ATTR_SHAPE = AttributeType.SHAPE;
  readonly TF_ATTR_RESOURCE = AttributeType.RESOURCE;

  /** TF.js: saved models are not loaded by this binding. */
  loadSavedModel(_directory: string, _tags: string): never {
    throw new Error("Cannot load a SavedModel: this backend runs TF.js's ops and compiled functions only");
  }

  /** TF.js: none are loaded. */
  deleteSavedModel(_id: number): void {}

  /** TF.js: see {@linkcode loadSavedModel}. */
  runSavedModel(_id: number, _inputs: number[], _inputNames: string, _outputNames: string): never {
    throw new Error("Cannot run a SavedModel: none can be loaded by this backend");
  }

  /** TF.js: how many saved models are loaded. */
  getNumOfSavedModels(): number {
    return 0;
  }

  /** TF.js: whether ops run on a GPU by default. */
  isUsingGpuDevice(): boolean {
    return false;
  }
}
