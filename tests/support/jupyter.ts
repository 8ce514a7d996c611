/**
 * Python environment with nbclient.
 *
 * @module
 */
import { pythonWith } from "./python.ts";

/** Returns the Python interpreter of the environment. */
export async function jupyterPython(): Promise<string> {
  return await pythonWith("nbclient");
}
