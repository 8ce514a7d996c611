// @heavy
/**
 * Notebooks in the real Deno kernel, driven by nbclient. The outputs of each cell equal those of losskit's own runner.
 */
import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import {
  formatNotebook,
  joined,
  type MultilineText,
  type Notebook,
  type Output,
  readNotebook,
} from "../lib/notebook/ipynb.ts";
import { writeKernelspec } from "../lib/notebook/mod.ts";
import { notebookOfSources, withoutGenerated } from "./support/notebook.ts";
import { jupyterPython } from "./support/jupyter.ts";
import { capture } from "./support/python.ts";

const EXECUTE = `
import sys, nbformat
from nbclient import NotebookClient
path, out, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=300, kernel_name="losskit", resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, out)
`;

const folder = new URL("../notebooks/", import.meta.url).pathname;

/** Runs a notebook of the course in the kernel. */
async function inKernel(path: string): Promise<Notebook> {
  const python = await jupyterPython();
  const temporary = await Deno.makeTempDir();
  try {
    writeKernelspec(temporary);
    const out = join(temporary, "out.ipynb");
    await capture(python, ["-I", "-c", EXECUTE, path, out, folder], {
      JUPYTER_PATH: temporary,
    });
    return readNotebook(out);
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

const codeOf = ({ cells }: Notebook) => cells.filter(({ cell_type }) => cell_type === "code");
const textOf = (output: Output, mime = "text/plain"): string => {
  const data = (output["data"] ?? {}) as Record<string, MultilineText>;
  return joined((output["text"] ?? data[mime] ?? "") as MultilineText);
};

/**
 * Returns the outputs of a cell in order. Numbers and run IDs are replaced by placeholders, because timings and last digits
 * depend on the machine, and IDs on the code. So is generated text. Successive printed lines are joined, because the kernel
 * sends them one by one.
 */
function shownBy(outputs: readonly Output[]): string[] {
  const shown: { type: string; text: string }[] = [];
  for (const output of outputs) {
    const type = [output.output_type, ...Object.keys(output["data"] ?? {}).sort()].join(" ");
    const last = shown.at(-1);
    if (type === "stream" && last?.type === type) last.text += textOf(output);
    else shown.push({ type, text: textOf(output) });
  }
  return shown.map(({ type, text }) =>
    withoutGenerated(`${type}: ${text}`).replaceAll(/\b[0-9a-f]{12}\b/g, "ID").replaceAll(
      /[-+]?\d+([.,]\d+)*(e[+-]?\d+)?/g,
      "#",
    )
      .replaceAll(/ +/g, " ")
  );
}

/** MIME type of Plotly figures. */
const PLOTLY = "application/vnd.plotly.v1+json";

/** Cells that print at their end. */
const PRINTING = [
  `import "${new URL("../lib/mod.ts", import.meta.url)}"; console.log("imported");`,
  ...Array.from({ length: 10 }, (_, cell) =>
    `for (let i = 0; i < 20; i += 2) {
  console.log("line ${cell}-" + i);
  Deno.jupyter.broadcast("display_data", { data: { "text/plain": "line ${cell}-" + (i + 1) }, metadata: {}, transient: {} });
}`),
  `Object.fromEntries(Array.from({ length: 30 }, (_, i) => ["key" + i, Array(100).fill({ i })]))`,
];

Deno.test("cells keep all outputs in order, although the kernel reports them done early; long values are truncated", async () => {
  const temporary = await Deno.makeTempDir();
  try {
    const path = join(temporary, "printing.ipynb");
    await Deno.writeTextFile(path, formatNotebook(notebookOfSources(PRINTING)));
    const [first, ...cells] = codeOf(await inKernel(path));
    assertEquals(first!.outputs!.map((output) => textOf(output)), ["imported\n"]);
    const [value] = cells.pop()!.outputs!;
    assertEquals(value!.output_type, "execute_result");
    assertMatch(textOf(value!), /^\{\n {2}key0: \[Array\],[^]{1,800}$/);
    cells.forEach(({ outputs = [] }, cell) => {
      const lines = outputs.map((output) => textOf(output).trim()).join("\n");
      assertEquals(lines, Array.from({ length: 20 }, (_, i) => `line ${cell}-${i}`).join("\n"));
    });
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
});

/** Names of all notebooks. */
const NOTEBOOKS = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
  name.endsWith(".ipynb")
).sort();

for (const name of NOTEBOOKS) {
  Deno.test(`notebook ${name} has equal outputs in the real kernel and in the runner`, async () => {
    const [kernel, written] = [
      codeOf(await inKernel(join(folder, name))),
      codeOf(readNotebook(join(folder, name))),
    ];
    assertEquals(kernel.length, written.length);
    kernel.forEach(({ id, outputs = [], execution_count }, i) => {
      const cell = written[i]!;
      assertEquals([id, execution_count], [cell.id, cell.execution_count]);
      assert(outputs.every(({ output_type }) => output_type !== "error"), `${id} failed`);
      assertEquals(shownBy(outputs), shownBy(cell.outputs ?? []), id);
    });
  });
}

Deno.test("notebook 01 shows the article's numbers", () => {
  const cells = new Map(
    codeOf(readNotebook(join(folder, "01_the_loss.ipynb"))).map((cell) => [cell.id, cell.outputs!]),
  );
  const printed = (id: string) => cells.get(id)!.map((output) => textOf(output)).join("");
  const plotted = (id: string) =>
    cells.get(id)!.map((output) => (output["data"] as Record<string, { data: { y: number[] }[] }>)[PLOTLY]!);
  assertMatch(printed("loss-01"), /^TensorFlow 2\.\d+\.\d+ on \S+$/);
  assertStringIncludes(printed("loss-03"), "4.6052"); // p(cat) = 0.01
  assertStringIncludes(printed("loss-05"), "p = 0.30: 1.204 nats\np = 0.15: 1.897 nats\n");
  assertStringIncludes(printed("loss-15"), "0.8^250 = 5.92e-25; sum of the logs: 55.79 nats");
  assertStringIncludes(printed("loss-20"), "gradient of the loss:    -0.2000\ngradient of the product: 0\n");
  assertStringIncludes(printed("loss-22"), "ln 50000 = 10.8198");
  const [, validation] = plotted("loss-24")[0]!.data;
  assertEquals(validation!.y.length, 7); // before the first step and after every 50
  assertGreater(validation!.y[0]! - 1.5, validation!.y[6]!);
  const figures = [...cells.values()].flat().filter((output) => {
    const data = (output["data"] ?? {}) as Record<string, unknown>;
    return data[PLOTLY] !== undefined && data["image/svg+xml"] !== undefined;
  });
  assertEquals(figures.length, 6);
});
