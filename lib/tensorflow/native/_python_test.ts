import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { findInPython } from "./_python.ts";

/**
 * Runs `work` with a Python that has a single package, `tensorflow`, whose import fails. Passes its site-packages
 * folder.
 */
async function withInstalled(version: string, work: (packages: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const cwd = Deno.cwd(), path = Deno.env.get("PATH")!, modules = Deno.env.get("PYTHONPATH");
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-I", "-m", "venv", "--without-pip", folder],
    })
      .output();
    assertEquals(success, true);
    const lib = [...Deno.readDirSync(join(folder, "lib"))].find(({ name }) => name.startsWith("python3"))!;
    const packages = join(folder, "lib", lib.name, "site-packages");
    await Deno.mkdir(join(packages, "tensorflow"));
    await Deno.writeTextFile(join(packages, "tensorflow", "__init__.py"), "raise SystemExit(3)\n");
    const metadata = join(packages, `tensorflow_cpu-${version}.dist-info`);
    await Deno.mkdir(metadata);
    const text = `Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: ${version}\n`;
    await Deno.writeTextFile(join(metadata, "METADATA"), text);
    await work(packages);
  } finally {
    Deno.chdir(cwd);
    Deno.env.set("PATH", path);
    if (modules === undefined) Deno.env.delete("PYTHONPATH");
    else Deno.env.set("PYTHONPATH", modules);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findInPython() returns the folder and version of an installed TensorFlow without importing it", () =>
  withInstalled("2.17.1", async (packages) => {
    Deno.env.set("PATH", `${join(packages, "..", "..", "..", "bin")}:${Deno.env.get("PATH")}`);
    assertEquals(await findInPython(), { dir: join(packages, "tensorflow"), version: "2.17.1" });
  }));

Deno.test("findInPython() neither loads nor runs code of the current folder or of PYTHONPATH", () =>
  withInstalled("2.17.2", async (packages) => {
    const ran = join(packages, "ran");
    for (const name of ["json", "sitecustomize", "site"]) {
      Deno.writeTextFileSync(join(packages, `${name}.py`), `open(${JSON.stringify(ran)}, "w")\n`);
    }
    Deno.chdir(packages);
    Deno.env.set("PYTHONPATH", packages);
    assertEquals((await findInPython())?.version === "2.17.2", false);
    assertEquals([...Deno.readDirSync(packages)].some(({ name }) => name === "ran"), false);
  }));
