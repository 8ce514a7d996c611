/**
 * A TensorFlow that is installed in Python. It is looked for, not run.
 *
 * @module
 */
import { runPython } from "../../fetch/python.ts";

/** Looks without importing: TensorFlow takes seconds to import. The user's own packages count too. */
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

/** Finds the folder of the TensorFlow that Python would import, which holds its libraries, and its version. */
export async function findInPython(): Promise<{ dir: string; version: string } | undefined> {
  for (const python of ["python3", "python"]) {
    const { stdout, failure } = await runPython(python, ["-c", PYTHON_LOOK]);
    if (failure !== undefined || stdout.trim() === "") continue;
    try {
      return JSON.parse(stdout);
    } catch {
      // This Python prints something else: the next one is tried.
    }
  }
  return undefined;
}
