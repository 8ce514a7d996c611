/**
 * A TensorFlow that is installed in Python. It is looked for, not run.
 *
 * @module
 */

/** Looks without importing: TensorFlow takes seconds to import. The folder that one happens to be in is left out. */
const PYTHON_LOOK = `
import sys
sys.path = [entry for entry in sys.path if entry]
import importlib.util, importlib.metadata, json, os
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

/** The folder of a TensorFlow that Python would import, which holds its libraries, and its version. */
export async function findInPython(): Promise<{ dir: string; version: string } | undefined> {
  for (const python of ["python3", "python"]) {
    try {
      const { success, stdout } = await new Deno.Command(python, {
        args: ["-c", PYTHON_LOOK],
        stdin: "null",
        stderr: "null",
      }).output();
      const text = new TextDecoder().decode(stdout).trim();
      if (success && text !== "") return JSON.parse(text);
    } catch {
      // No such Python, or one that cannot answer: the next place is tried.
    }
  }
  return undefined;
}
