import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { findInPython } from "./_python.ts";

/** A folder with a package `tensorflow` that cannot be imported, as pip would have installed it. */
async function withInstalled(version: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const cwd = Deno.cwd(), path = Deno.env.get("PYTHONPATH");
  try {
    await Deno.mkdir(join(folder, "tensorflow"));
    await Deno.writeTextFile(join(folder, "tensorflow", "__init__.py"), "raise SystemExit(3)\n");
    const metadata = join(folder, `tensorflow_cpu-${version}.dist-info`);
    await Deno.mkdir(metadata);
    const text = `Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: ${version}\n`;
    await Deno.writeTextFile(join(metadata, "METADATA"), text);
    await work(folder);
  } finally {
    Deno.chdir(cwd);
    if (path === undefined) Deno.env.delete("PYTHONPATH");
    else Deno.env.set("PYTHONPATH", path);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findInPython() tells the folder and version of an installed TensorFlow without importing it", () =>
  withInstalled("2.17.1", async (folder) => {
    Deno.env.set("PYTHONPATH", folder);
    assertEquals(await findInPython(), { dir: join(folder, "tensorflow"), version: "2.17.1" });
  }));

Deno.test("findInPython() does not take the folder that one is in for an installed package", () =>
  withInstalled("2.17.2", async (folder) => {
    Deno.chdir(folder);
    assertEquals((await findInPython())?.version === "2.17.2", false);
  }));
