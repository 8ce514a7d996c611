/**
 * Specs of TF.js's suite that do not pass here for a reason, beyond those that the official addon passes over.
 *
 * @module
 */

/** A part of a spec's full name, and why it cannot pass. */
export const IGNORED: Readonly<Record<string, string>> = {
  "gather test-tensorflow {} throws when index is out of bound":
    "an error all the same, in TensorFlow's words: indices are not read in JavaScript at each call",
  "conv3d dilations CPU should throw error on dilations >1":
    "TensorFlow 2.21 has dilations on the CPU, where the addon's 2.9 had none",
  "decode jpeg node bindings do not leak":
    "counts the growth of JavaScript's own heap, which Deno enlarges in steps of 16 MB; node_test.ts leaves it out",
};
