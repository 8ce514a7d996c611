/**
 * Numeric constants and types of TF.js's binding, which do not depend on a running TensorFlow.
 *
 * @module
 */
import { type Attribute, AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";

/** Metadata of a tensor, for TF.js. */
export class TensorMetadata {
  /** Number of the tensor in the binding. */
  readonly id: number;
  /** Shape of the tensor. */
  readonly shape: number[];
  /** Type that TF.js uses for the tensor, as a number of `TF_DataType`. */
  readonly dtype: number;

  /** Creates the metadata of a tensor. */
  constructor(id: number, shape: number[], dtype: number) {
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** Constants and classes that TF.js's kernels read from their binding. */
export class BindingConstants {
  /** Class of result metadata. */
  readonly TensorMetadata: typeof TensorMetadata = TensorMetadata;
  /** Class of op attributes. */
  readonly TFEOpAttr: new () => Attribute = class implements Attribute {
    name = "";
    type = 0;
    value: unknown;
  };
  /** `TF_FLOAT`, for TF.js. */
  readonly TF_FLOAT: number = DataType.FLOAT;
  /** `TF_INT32`, for TF.js. */
  readonly TF_INT32: number = DataType.INT32;
  /** `TF_INT64`, for TF.js. */
  readonly TF_INT64: number = DataType.INT64;
  /** `TF_BOOL`, for TF.js. */
  readonly TF_BOOL: number = DataType.BOOL;
  /** `TF_COMPLEX64`, for TF.js. */
  readonly TF_COMPLEX64: number = DataType.COMPLEX64;
  /** `TF_STRING`, for TF.js. */
  readonly TF_STRING: number = DataType.STRING;
  /** `TF_RESOURCE`, for TF.js. */
  readonly TF_RESOURCE: number = DataType.RESOURCE;
  /** `TF_UINT8`, for TF.js. */
  readonly TF_UINT8: number = DataType.UINT8;
  /** `TF_ATTR_STRING`, for TF.js. */
  readonly TF_ATTR_STRING: number = AttributeType.STRING;
  /** `TF_ATTR_INT`, for TF.js. */
  readonly TF_ATTR_INT: number = AttributeType.INT;
  /** `TF_ATTR_FLOAT`, for TF.js. */
  readonly TF_ATTR_FLOAT: number = AttributeType.FLOAT;
  /** `TF_ATTR_BOOL`, for TF.js. */
  readonly TF_ATTR_BOOL: number = AttributeType.BOOL;
  /** `TF_ATTR_TYPE`, for TF.js. */
  readonly TF_ATTR_TYPE: number = AttributeType.TYPE;
  /** `TF_ATTR_SHAPE`, for TF.js. */
  readonly TF_ATTR_SHAPE: number = AttributeType.SHAPE;
  /** The number of resource attributes, for TF.js. */
  readonly TF_ATTR_RESOURCE: number = AttributeType.RESOURCE;
}
