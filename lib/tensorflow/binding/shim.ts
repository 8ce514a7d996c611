/**
 * Puts back on `node:util` what tfjs-node-gpu 4.22 calls and Node 23 and Deno removed (tensorflow/tfjs#8609).
 *
 * Import it before TF.js: its kernels take the functions at load.
 *
 * @module
 */
import util from "node:util";

const removed = util as unknown as Record<string, unknown>;
removed["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
removed["isArray"] ??= Array.isArray;
