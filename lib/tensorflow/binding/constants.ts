/**
 * The parts of TF.js's binding that do not depend on a running TensorFlow: its numbers.
 *
 * @module
 */
import { type Attribute, AttributeType } from "../native/attribute.ts";
import { DataType } from "../native/dtype.ts";

/** What TF.js learns of a result. */
export class TensorMetadata {
  /** The binding's number of the tensor. */
  readonly id: number;
  /** Its shape. */
  readonly shape: number[];
  /** Its `TF_DataType`, as TF.js sees it. */
  readonly dtype: number;

  /** Describes the tensor with a number. */
  constructor(id: number, shape: number[], dtype: number) {
    this.id = id;
    this.shape = shape;
    this.dtype = dtype;
  }
}

/** Constants that TF.js's kernels read from their binding, and answers that are the same always. */
export class BindingConstants {
  /** What results are described by. */
  readonly TensorMetadata: typeof TensorMetadata = TensorMetadata;
  /** What attributes are. */
  readonly TFEOpAttr: new () => Attribute = class implements Attribute {
    name = "";
    type = 0;
    value: unknown;
  };
  /** TF.js reads this number from its binding. */
  readonly TF_FLOAT: number = DataType.FLOAT;
  /** TF.js reads this number from its binding. */
  readonly TF_INT32: number = DataType.INT32;
  /** TF.js reads this number from its binding. */
  readonly TF_INT64: number = DataType.INT64;
  /** TF.js reads this number from its binding. */
  readonly TF_BOOL: number = DataType.BOOL;
  /** TF.js reads this number from its binding. */
  readonly TF_COMPLEX64: number = DataType.COMPLEX64;
  /** TF.js reads this number from its binding. */
  readonly TF_STRING: number = DataType.STRING;
  /** TF.js reads this number from its binding. */
  readonly TF_RESOURCE: number = DataType.RESOURCE;
  /** TF.js reads this number from its binding. */
  readonly TF_UINT8: number = DataType.UINT8;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_STRING: number = AttributeType.STRING;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_INT: number = AttributeType.INT;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_FLOAT: number = AttributeType.FLOAT;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_BOOL: number = AttributeType.BOOL;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_TYPE: number = AttributeType.TYPE;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_SHAPE: number = AttributeType.SHAPE;
  /** TF.js reads this number from its binding. */
  readonly TF_ATTR_RESOURCE: number = AttributeType.RESOURCE;
}
