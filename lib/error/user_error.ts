/**
 * The error for what a user can mend: a wrong argument, a missing file, damage in a record.
 *
 * Commands print its message without a stack and end with {@linkcode UserError.exitCode}. It is not for faults of
 * losskit itself, which keep their stack.
 *
 * @module
 */

/** Exit codes of every command (design contract; documented in the README). */
export const EXIT = {
  ok: 0,
  /** Bad input: nothing was started. */
  badInput: 2,
  /** Some runs failed; the rest finished. */
  someFailed: 3,
  /** A run diverged where the spec forbids it. */
  diverged: 4,
  /** Interrupted; the same command goes on where it stopped. */
  interrupted: 75,
} as const;

/** A mistake that the user can mend; its message says what to do, what was wanted and what was given. */
export class UserError extends Error {
  /** Tells it from other errors. */
  override readonly name: string = "UserError";
  /** The status that a command ends with. */
  readonly exitCode: number;

  /**
   * Says what a user can mend.
   *
   * @param message What failed, what was wanted, what was given, what to do.
   * @param options `exitCode` (default 2, bad input) and the `cause`.
   */
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.badInput;
  }
}
