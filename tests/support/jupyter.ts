/**
 * A Python environment with nbclient.
 *
 * @module
 */
import { pythonWith } from "./python.ts";

/** The Python of the environment. */
export async function jupyterPython(): Promise<string> {
  return await pythonWith("nbclient");
}
