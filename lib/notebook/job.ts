/**
 * Input and output of the process that executes a notebook: types, and a shared symbol.
 *
 * @module
 */
import type { Output } from "./ipynb.ts";

/** Key for `Symbol.for`. The global object of a running cell has the runner's functions under this symbol. */
export const RUNNER_KEY = "losskit.notebook";

/** Notebook to run: the input of the process. */
export interface Job {
  /** URL of the notebook. */
  readonly notebook: string;
  /** Code cells in order: the JavaScript, and the number of its first line in stack traces (at least 2). */
  readonly cells: readonly { readonly code: string; readonly firstLine: number }[];
}

/** Failure of a notebook. */
export interface JobFailure {
  /** Index of the code cell. */
  readonly cell: number;
  /** Name and message of the error. */
  readonly message: string;
  /** Stack trace of the error. The line numbers are those of {@linkcode Job.cells}. */
  readonly stack: string;
  /** True if the error occurred outside of awaited code: in a timer, or as an unhandled rejection. */
  readonly isUncaught: boolean;
}

/** Result of a notebook: the output of the process. */
export interface JobResult {
  /** Outputs of each code cell. */
  readonly outputs: Output[][];
  /** Number of finished cells. */
  readonly executed: number;
  /** First failure; undefined without failures. */
  readonly failure?: JobFailure | undefined;
}
