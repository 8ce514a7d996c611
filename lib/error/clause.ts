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
