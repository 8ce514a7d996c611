/**
 * Restores functions of `node:util` that tfjs-node-gpu 4.22 calls and that Node 23 and Deno removed
 * (tensorflow/tfjs#8609).
 *
 * Import this file before TF.js, whose kernels read the functions when they load.
 *
 * @module
 */
import util from "node:util";

const removed = util as unknown as Record<string, unknown>;
removed["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
removed["isArray"] ??= Array.isArray;
