/**
 * Input and output of the process that executes a notebook: types, and a shared symbol.
 *
 * @module
 */
import type { Output } from "./ipynb.ts";

/** Key, for `Symbol.for`, of the runner's functions on the global object of a running cell. */
export const RUNNER_KEY = "losskit.notebook";

/** Notebook to run. */
export interface Job {
  /** URL of the notebook. */
  readonly notebook: string;
  /** JavaScript of each code cell, and its first line in stacks (at least 2). */
  readonly cells: readonly { readonly code: string; readonly firstLine: number }[];
}

/** Failure of a notebook. */
export interface JobFailure {
  /** Index of the code cell. */
  readonly cell: number;
  /** Name and message of the error. */
  readonly message: string;
  /** Stack of the error, with line numbers of the job. */
  readonly stack: string;
  /** True for errors outside of awaited code: an error in a timer, or an unhandled rejection. */
  readonly isUncaught: boolean;
}

/** Result of a notebook. */
export interface JobResult {
  /** Outputs of each code cell. */
  readonly outputs: Output[][];
  /** Number of finished cells. */
  readonly executed: number;
  /** First failure; undefined without failures. */
  readonly failure?: JobFailure | undefined;
}
