/**
 * The error of a failed TensorFlow call.
 *
 * @module
 */

/** Names of `TF_Code`, in order of their numbers (`tf_status.h`). */
const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Maximum number of inputs that an error lists. A compiled training step has hundreds. */
const MOST_INPUTS = 8;

/**
 * Error of a native TensorFlow call, with TensorFlow's code and message. If an op failed, the message names the op and
 * the shapes of its inputs.
 */
export class TensorFlowError extends Error {
  /** `TensorFlowError`. */
  override readonly name: string = "TensorFlowError";
  /** Name of TensorFlow's status code, such as `INVALID_ARGUMENT`. */
  readonly code: string;
  /** Name of the op that failed. Undefined if the failed call was not an op. */
  readonly op: string | undefined;

  /**
   * Creates an error from a failed status.
   *
   * @param status TensorFlow's code and message.
   * @param where Name of the op that failed, and its inputs as `dtype[shape]`. Default: no op.
   */
  constructor(
    status: { code: number; message: string },
    where: { op?: string | undefined; inputs?: string[] | undefined } = {},
  ) {
    const code = CODES[status.code] ?? `code ${status.code}`;
    const inputs = where.inputs ?? [], others = inputs.length - MOST_INPUTS;
    const shown = others > 0 ? [...inputs.slice(0, MOST_INPUTS), `and ${others} others`] : inputs;
    const call = where.op === undefined ? "a TensorFlow call" : `${where.op}(${shown.join(", ")})`;
    // The first lines hold the reason. Hundreds of lines with all registered kernels may follow.
    super(`Cannot run ${call}: ${code}: ${firstParagraph(status.message)}`);
    this.code = code;
    this.op = where.op;
  }
}

function firstParagraph(message: string): string {
  const lines = message.split("\n");
  return lines.slice(0, 4).join("\n").slice(0, 1200);
}
