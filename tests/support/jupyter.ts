/**
 * A Python environment with nbclient.
 *
 * @module
 */
import { pythonWith } from "./python.ts";

/** The Python of the environment. */
export async function jupyterPython(): Promise<string> {
  return await pythonWith(["nbclient==0.11.0", "nbformat==5.11.1", "jupyter_client==8.10.0"]);
}
