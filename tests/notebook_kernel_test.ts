// @heavy
/**
 * The notebooks in the real Deno kernel, driven by nbclient as Jupyter would.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { writeKernelspec } from "../lib/notebook/mod.ts";
import { jupyterPython } from "./support/jupyter.ts";
import { capture } from "./support/python.ts";

const EXECUTE = `
import sys, nbformat
from nbclient import NotebookClient
path, out, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="losskit", resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, out)
`;

interface Output {
  output_type: string;
  text?: string | string[];
  data?: Record<string, unknown>;
}

Deno.test("notebook 01 computes the article's numbers in the real kernel", async () => {
  const folder = new URL("../notebooks/", import.meta.url).pathname;
  const python = await jupyterPython();
  const temporary = await Deno.makeTempDir();
  try {
    writeKernelspec(temporary);
    const out = join(temporary, "out.ipynb");
    await capture(python, ["-c", EXECUTE, join(folder, "01_the_loss.ipynb"), out, folder], {
      JUPYTER_PATH: temporary,
    });
    const cells: { cell_type: string; id: string; outputs: Output[] }[] =
      JSON.parse(await Deno.readTextFile(out)).cells;
    const code = cells.filter((cell) => cell.cell_type === "code");
    for (const cell of code) {
      assert(cell.outputs.length > 0, `${cell.id} shows nothing`);
      assert(cell.outputs.every((output) => output.output_type !== "error"), `${cell.id} failed`);
    }
    const join2 = (text: string | string[] | undefined) => Array.isArray(text) ? text.join("") : text ?? "";
    const printed = code.map((cell) => cell.outputs.map((output) => join2(output.text)).join(""));
    const shown = code.map((cell) =>
      cell.outputs.map((output) => join2(output.data?.["text/html"] as string)).join("")
    );
    assertStringIncludes(printed[1]!, "p(mat) = 0.30 costs 1.204 nats; at half of it, 0.15, it costs 1.897");
    assertStringIncludes(shown[1]!, "<td>4.605</td>"); // p(cat) = 0.01
    assertStringIncludes(shown[1]!, "<td>3.507</td>"); // p(dog) = 0.03
    assertStringIncludes(printed[3]!, "0.8^250 = 5.9");
    const formats = [...shown[3]!.matchAll(/<tr><td>(\w+)<\/td><td>(\d+)<\/td>/g)].map((
      [, name, step],
    ) => [name, Number(step)]);
    // float32's smallest number is 2^-149: 0.8^n is below half of it from n = 466 on; products round on the way.
    assertEquals(formats.map(([name]) => name), ["float32", "float16", "bfloat16"]);
    for (const [, step] of formats) assert(Number(step) > 20 && Number(step) < 600);
    assertStringIncludes(printed[4]!, "through the product:     0\n");
    assertStringIncludes(printed[4]!, "through the sum of logs: -0.2000");
    assertStringIncludes(printed[5]!, "ln 50000 = 10.8198");
    const losses = [...printed[7]!.matchAll(/validation ([\d.]+) nats/g)].map(([, loss]) => Number(loss));
    assertEquals(losses.length, 4);
    assert(losses[3]! < losses[0]! - 1.5, `the model did not learn: ${losses}`);
    const figures = code.filter((cell) =>
      cell.outputs.some((output) => output.data?.["application/vnd.plotly.v1+json"])
    );
    assertEquals(figures.length, 3);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
});
