/**
 * An error for faults that a user can correct, such as a wrong argument, a missing file or a damaged record.
 *
 * Commands print its message without a stack and exit with {@linkcode UserError.exitCode}. Faults of losskit itself use
 * other errors, which keep their stack.
 *
 * @module
 */

/** Exit statuses of all commands. `docs/sweeps.md` lists them for users. */
export const EXIT = {
  ok: 0,
  /** Bad input: nothing was started. */
  badInput: 2,
  /** Some runs failed, and the others finished. */
  someFailed: 3,
  /** A run diverged although its spec forbids it, or a repeated run gave other results. */
  diverged: 4,
  /** Interrupted. The same command resumes the work. */
  interrupted: 75,
  /** Interrupted, with nothing to resume. A process that SIGINT kills has the same status. */
  stopped: 130,
} as const;

/** A fault that the user can correct. Its message states the expected value, the given value and the remedy. */
export class UserError extends Error {
  /** Name of the error's class. */
  override readonly name: string = "UserError";
  /** Exit code of the command. */
  readonly exitCode: number;

  /**
   * Creates the error.
   *
   * @param message A sentence of the form `Cannot <do>: expected <wanted>, got <given>. <Remedy>.`
   * @param options `exitCode` (default 2, bad input) and the `cause`.
   */
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.badInput;
  }
}

/**
 * Runs work that follows the runs of a command, such as their report. Its user errors have the status of failed runs,
 * because bad input's status says that nothing was started.
 *
 * @throws {UserError} The error of `work`, with that status.
 */
export async function afterRuns<R>(work: () => R | Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== EXIT.badInput) throw error;
    throw new UserError(error.message, { exitCode: EXIT.someFailed, cause: error });
  }
}
