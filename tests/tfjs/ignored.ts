/**
 * Specs of TF.js's suite that do not pass here for a reason, beyond those that the official addon passes over.
 *
 * @module
 */

/** A part of a spec's full name, and why it cannot pass. */
export const IGNORED: Readonly<Record<string, string>> = {
  "gather test-tensorflow {} throws when index is out of bound":
    "an error all the same, in TensorFlow's words: indices are not read in JavaScript at each call",
};
