/**
 * Checks of the batches that a caller gives to a trainer.
 *
 * @module
 */
import { typeName } from "../error/type_name.ts";
import { requireTokenIds } from "../model/token_ids.ts";
import type { TrainingBatch } from "./dataset.ts";

/**
 * Requires a batch of inputs `x` and targets `y`, int32 [B, T].
 *
 * @param action The failing action in the error `Cannot <action>`.
 * @throws {TypeError} For any other value, and for inputs and targets of different shapes.
 */
export function requireBatch(batch: TrainingBatch, action: string): void {
  if (typeof batch !== "object" || batch === null) {
    throw new TypeError(
      `Cannot ${action}: expected { x, y }, got ${typeName(batch)}.`,
    );
  }
  const { x, y } = batch;
  requireTokenIds(x, "x", action);
  requireTokenIds(y, "y", action);
  if (String(x.shape) === String(y.shape)) return;
  throw new TypeError(
    `Cannot ${action}: expected x and y of one shape, got [${x.shape}] and [${y.shape}].`,
  );
}
