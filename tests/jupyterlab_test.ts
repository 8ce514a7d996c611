// @heavy
/**
 * Notebooks in JupyterLab, in headless Chromium, with the real kernel: outputs in their cells, drawn figures, and Stop.
 */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { formatNotebook, type Notebook } from "../lib/notebook/ipynb.ts";
import { labPython, startLab } from "../lib/notebook/lab.ts";
import { writeKernelspec } from "../lib/notebook/mod.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { notebookOfSources, withoutGenerated } from "./support/notebook.ts";

const root = new URL("../", import.meta.url).pathname;

const SOURCES = [
  `import * as lk from "@losskit/losskit";
import { createProgress } from "@losskit/losskit/notebook";
const { version } = await lk.useTensorFlow({ threads: 2 });
const data = await lk.loadDataset("markov:symbols=8,order=1,length=5000");
const config = { nLayer: 1, nHead: 2, nEmbd: 16, vocabSize: data.vocabSize, blockSize: 16 };
console.log("first", version);`,
  `for (let i = 0; i < 50; i++) console.log("second", i);
await lk.show([{ name: "é", value: 0.5 }]);`,
  `await lk.show(lk.barFigure({ title: "third" }, { names: ["a", "b"], values: [1, 2] }));`,
  `let steps = 0;
const progress = createProgress({ label: "training", unit: "steps", total: 1_000_000 });
const loop = { model: config, data, steps: 1_000_000, evalEvery: 1_000_000, checkpointEvery: 1_000_000 };
for await (const event of lk.train({ ...loop, batchSize: 4, evalTokens: 64, signal: lk.stopSignal() })) {
  if (event.event === "step") progress.update(++steps);
  if (event.event === "checkpoint") console.log("stopped with", event.bytes.length, "bytes at step", event.step);
}`,
  `console.log("steps done:", steps, "tokens:", data.train.length, "TensorFlow", version);`,
];

/** Cell with a figure that grows while the model trains. */
const LIVE = `await lk.show(lk.train({ model: config, data, steps: 400, batchSize: 4 }), { every: 100 });`;

/** JupyterLab's application object in the page. */
interface Lab {
  commands: { execute(id: string): Promise<unknown> };
  shell: {
    currentWidget: {
      content: { activeCellIndex: number };
      sessionContext: { session?: { kernel?: { status: string } } };
    };
  };
}

/** Returns the status of the kernel. Runs in the page. */
const kernelStatus = () =>
  (globalThis as unknown as { jupyterapp?: Lab }).jupyterapp?.shell.currentWidget?.sessionContext?.session
    ?.kernel
    ?.status;

async function command(page: Page, id: string, cell?: number): Promise<void> {
  await page.evaluate(
    (id: string, cell: number | undefined) => {
      const { commands, shell } = (globalThis as unknown as { jupyterapp: Lab }).jupyterapp;
      if (cell !== undefined) shell.currentWidget.content.activeCellIndex = cell;
      commands.execute(id); // not waited for: a cell may run for ever
    },
    id,
    cell,
  );
}

/** Returns the text of each cell's outputs. */
const outputs = (page: Page): Promise<string[]> =>
  page.$$eval(
    ".jp-CodeCell",
    (cells) =>
      cells.map((cell) =>
        (cell.querySelector(".jp-OutputArea") as unknown as { innerText: string } | null)?.innerText ?? ""
      ),
  );

/** Waits until a cell's output contains a text. */
async function shows(page: Page, cell: number, text: RegExp): Promise<string> {
  for (let tries = 0; tries < 2400; tries++) {
    const shown = (await outputs(page))[cell] ?? "";
    if (text.test(shown)) return shown;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`cell ${cell} never showed ${text}: ${JSON.stringify(await outputs(page))}`);
}

async function untilStatus(page: Page, status: string): Promise<void> {
  for (let tries = 0; tries < 2400; tries++) {
    if (await page.evaluate(kernelStatus) === status) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the kernel never was ${status}: it is ${await page.evaluate(kernelStatus)}`);
}

/** Starts JupyterLab with separate folders and a free port. */
async function startServer(
  temporary: string,
  folder: string,
): Promise<{ url: string; end(): Promise<void> }> {
  const python = await labPython(() => {});
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const token = crypto.randomUUID();
  writeKernelspec(join(temporary, "data"));
  const lab = startLab(python, {
    root: folder,
    page: "/lab",
    args: [
      "--no-browser",
      "--log-level=ERROR",
      "--expose-app-in-browser",
      `--ServerApp.port=${port}`,
      "--ServerApp.port_retries=0",
    ],
    env: {
      JUPYTER_TOKEN: token,
      JUPYTER_DATA_DIR: join(temporary, "data"),
      JUPYTER_CONFIG_DIR: join(temporary, "config"),
      JUPYTER_RUNTIME_DIR: join(temporary, "runtime"),
      IPYTHONDIR: join(temporary, "ipython"),
    },
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 2400; tries++) {
    try {
      const response = await fetch(`${url}/api/status?token=${token}`);
      await response.body?.cancel();
      if (response.ok) break;
    } catch {
      // not yet
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url: `${url}/lab/tree/test.ipynb?token=${token}`,
    async end() {
      lab.kill("SIGTERM");
      await lab.status;
    },
  };
}

/**
 * Opens a notebook in a new JupyterLab, runs all cells, and passes the page to the caller.
 *
 * @param height Height of the window in pixels. JupyterLab draws visible cells only.
 */
async function inLab(
  notebook: Notebook,
  height: number,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const chromium = await findChromium();
  assert(chromium !== undefined, "wanted chromium, or root and apt-get to install it");
  const temporary = await Deno.makeTempDir();
  // Inside the repository, so that the kernel finds deno.json.
  const folder = join(root, "experiments", "out", `lab-test-${crypto.randomUUID()}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "test.ipynb"), formatNotebook(notebook));
  const server = await startServer(temporary, folder);
  const browser = await launchChromium(chromium);
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1200, height });
    await page.goto(server.url, { waitUntil: "domcontentloaded", timeout: 240_000 });
    await page.waitForSelector(".jp-CodeCell", { timeout: 240_000 });
    await untilStatus(page, "idle");
    await command(page, "notebook:run-all-cells");
    await use(page);
    await untilStatus(page, "idle");
  } finally {
    await browser.close();
    await server.end();
    await Deno.remove(temporary, { recursive: true });
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name:
    "JupyterLab shows outputs in their cells and draws figures; Stop interrupts training and keeps the state",
  fn: () =>
    inLab(notebookOfSources(SOURCES), 2400, async (page) => {
      await shows(page, 3, /training: \d+ of 1000000 steps/);
      const before = await outputs(page);
      assertMatch(before[0]!, /^first 2\.\d+/);
      const numbers = [...before[1]!.matchAll(/second (\d+)/g)].map(([, i]) => Number(i));
      assertEquals(numbers, Array.from({ length: 50 }, (_, i) => i));
      assertStringIncludes(before[1]!, "é");
      // JupyterLab prefers Plotly to the SVG of the same output. Plotly draws bars as paths.
      await page.waitForSelector(".jp-CodeCell:nth-of-type(3) .js-plotly-plot .main-svg", {
        timeout: 30_000,
      });
      assertEquals((await page.$$(".js-plotly-plot .bars path")).length, 2);
      assertEquals(before[4], "");

      await shows(page, 3, /training: [1-9]\d* of 1000000 steps/);
      assertEquals(await page.evaluate(kernelStatus), "busy");
      await command(page, "notebook:interrupt-kernel");
      const stopped = await shows(page, 3, /stopped with \d+ bytes at step \d+/);
      // "Run all" queued the next cell, which reads the variables of the interrupted cell.
      const after = await shows(page, 4, /steps done: [1-9]\d* tokens: 4500 TensorFlow 2\./);
      assertEquals(/steps done: (\d+)/.exec(after)![1], /at step (\d+)/.exec(stopped)![1]);
    }),
  // The server's process shares the streams of the test.
  sanitizeResources: false,
});

/** Element of the page. */
interface Element {
  readonly innerHTML: string;
  querySelector(selector: string): Element | null;
  getAttribute(name: string): string | null;
  /** Data that Plotly adds to its element. */
  readonly data: readonly { readonly name: string; readonly x: readonly number[] }[];
  readonly _fullLayout: { readonly xaxis: { l2p(x: number): number } };
}

/** Returns the current output of the live cell, and the end of its Plotly curve. Runs in the page. */
const liveFigure = () => {
  const { document } = globalThis as unknown as {
    document: { querySelectorAll(selector: string): Element[] };
  };
  const cell = document.querySelectorAll(".jp-CodeCell")[1]!;
  const plot = cell.querySelector(".js-plotly-plot");
  const line = plot?.querySelector(".scatterlayer .trace path.js-line")?.getAttribute("d");
  return {
    svg: plot === null ? cell.querySelector('[data-mime-type="image/svg+xml"]')?.innerHTML : undefined,
    curve: plot === null || !line ? undefined : {
      lastStep: plot.data.find(({ name }) => name === "training")!.x.at(-1)!,
      // the last point of the drawn line, and the position of the last step on the axis, in pixels
      lineEnds: Number(/([\d.]+),[\d.]+$/.exec(line)?.[1]),
      axisHas: plot._fullLayout.xaxis.l2p(400),
    },
  };
};

Deno.test({
  name: "a live figure in JupyterLab grows while the model trains, and its curve reaches the last step",
  fn: () =>
    inLab(notebookOfSources([SOURCES[0]!, LIVE]), 1600, async (page) => {
      const drawn = new Set<string>();
      for (let tries = 0; tries < 2400; tries++) {
        const { svg, curve } = await page.evaluate(liveFigure);
        if (svg !== undefined) drawn.add(svg);
        if (curve !== undefined) {
          assert(drawn.size >= 3, `wanted several drawings on the way, saw ${drawn.size}`);
          assertEquals(curve.lastStep, 400);
          assertAlmostEquals(curve.lineEnds, curve.axisHas, 1);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error("no figure of Plotly's was drawn");
    }),
  sanitizeResources: false,
});

for (const file of ["01_the_loss.ipynb", "03_the_gpt.ipynb", "06_training.ipynb"]) {
  Deno.test({
    name:
      `${file} of the course in JupyterLab: what each cell prints is in its place, and every figure is drawn`,
    async fn() {
      const course: Notebook = JSON.parse(await Deno.readTextFile(join(root, "notebooks", file)));
      const cells = course.cells.filter(({ cell_type }) => cell_type === "code");
      const written = cells.map(({ outputs = [] }) => outputs);
      for (const cell of cells) Object.assign(cell, { outputs: [], execution_count: null });
      await inLab(course, 16_000, async (page) => {
        const marked = (text: string) =>
          withoutGenerated(text).replaceAll(/\d+([.,]\d+)*(e[+-]?\d+)?/g, "#").replaceAll(/\s+/g, " ").trim();
        const streams = written.map((outputs) =>
          marked(
            outputs.filter(({ output_type }) => output_type === "stream").map(({ text }) =>
              [text].flat().join("")
            ).join(""),
          )
        );
        let shown: string[] = [];
        for (let tries = 0; tries < 1800; tries++) {
          shown = (await outputs(page)).map(marked);
          if (shown.length === cells.length && streams.every((text, i) => shown[i]!.includes(text))) break;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        streams.forEach((text, i) => assertStringIncludes(shown[i]!, text, cells[i]!.id));
        const figures = written.flat().filter(({ data }) =>
          (data as Record<string, unknown> | undefined)?.["application/vnd.plotly.v1+json"] !== undefined
        ).length;
        await page.waitForFunction(
          `document.querySelectorAll(".js-plotly-plot .main-svg:first-child").length >= ${figures}`,
          { timeout: 60_000 },
        );
        const failed = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]';
        assertEquals((await page.$$(failed)).length, 0);
      });
    },
    sanitizeResources: false,
  });
}
