/**
 * Error messages inside of longer sentences.
 *
 * @module
 */

/** Returns the message of a thrown value without its final period, so that a sentence can continue after it. */
export function clauseOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/(?<!\.)\.$/, "");
}

/**
 * Returns the reason in an error's message, for a sentence that itself states what cannot be done: the message without
 * `Cannot <do>: ` and without its final period.
 */
export function reasonOf(error: unknown): string {
  return clauseOf(error).replace(/^Cannot .*?: /, "");
}
