/**
 * What goes to the process of a notebook and what comes back. Types, and a name that both sides use.
 *
 * @module
 */
import type { Output } from "./ipynb.ts";

/** The symbol, by `Symbol.for`, under which a running cell's global object has what its script needs of the runner. */
export const RUNNER_KEY = "losskit.notebook";

/** A notebook to run. */
export interface Job {
  /** URL of the notebook. */
  readonly notebook: string;
  /** By code cell: JavaScript, and the line that its first line is given, from 2 on. */
  readonly cells: readonly { readonly code: string; readonly firstLine: number }[];
}

/** Why a notebook failed. */
export interface JobFailure {
  /** Index of the code cell. */
  readonly cell: number;
  /** The error, in a line. */
  readonly message: string;
  /** Its stack, in lines of the job. */
  readonly stack: string;
  /** Whether no cell waited for it: an error in a timer, a rejection that nobody handles. */
  readonly isUncaught: boolean;
}

/** What a notebook came to. */
export interface JobResult {
  /** By code cell. */
  readonly outputs: Output[][];
  /** How many cells ran to their end. */
  readonly executed: number;
  /** Undefined: none. */
  readonly failure?: JobFailure | undefined;
}
