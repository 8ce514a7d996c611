/**
 * Search for a TensorFlow that is installed in Python, without importing it.
 *
 * @module
 */
import { runPython } from "../../fetch/python.ts";

/**
 * Python program that searches without importing TensorFlow, which would take seconds. The search includes the user's
 * own site-packages.
 */
const PYTHON_LOOK = `
import importlib.util, importlib.metadata, json, os, site
site.addsitedir(site.getusersitepackages())
spec = importlib.util.find_spec("tensorflow")
if spec and spec.origin:
    version = None
    for name in ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tf-nightly"):
        try:
            version = importlib.metadata.version(name)
            break
        except importlib.metadata.PackageNotFoundError:
            pass
    print(json.dumps({"dir": os.path.dirname(spec.origin), "version": version or "0"}))
`;

/**
 * Finds the TensorFlow that Python would import. Returns its version and the folder of its libraries. Undefined if
 * there is none.
 */
export async function findInPython(): Promise<{ dir: string; version: string } | undefined> {
  for (const python of ["python3", "python"]) {
    const { stdout, failure } = await runPython(python, ["-c", PYTHON_LOOK]);
    if (failure !== undefined || stdout.trim() === "") continue;
    try {
      return JSON.parse(stdout);
    } catch {
      // The output is not JSON: try the next Python.
    }
  }
  return undefined;
}
