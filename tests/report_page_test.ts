/**
 * The report's page in Chromium: means of the shown runs, the view of curves over steps, details of a run, runs side by side,
 * downloads, and its state in the address.
 */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "puppeteer-core";
import { renderReport } from "../lib/figure/mod.ts";
import { decodeState } from "../lib/figure/report/page/address.ts";
import { readRuns, runPaths, writeNote } from "../lib/record/mod.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { openReport } from "./support/report_page.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const chromium = await findChromium();
if (chromium === undefined) console.log("tests of the report's page are ignored: no Chromium could be had");

/** Steps, tokens per step (B T), and the gap of each seed's pair at every step and at the end. */
const STEPS = 40, TOKENS = 12 * 64, GAPS = [0.1, 0.2, 0.6];

/** Writes three pairs, and a run of other steps. */
async function writeReport(dir: string): Promise<string> {
  for (const [i, gap] of GAPS.entries()) {
    for (const policy of ["float32", "bf16-autocast"]) {
      const losses = Array.from(
        { length: STEPS },
        (_, step) => 3 + (step % 2) + (policy === "float32" ? 0 : gap),
      );
      writeSyntheticRun(dir, {
        losses,
        evals: [{ step: STEPS, loss: losses.at(-1)! }],
        spec: { policy, seed: i + 1 },
        step: () => ({ tokensPerSecond: 2 * TOKENS }), // half a second per step
      });
    }
  }
  writeSyntheticRun(dir, {
    losses: [5, 5],
    evals: [{ step: 2, loss: 5 }],
    spec: { seed: 1, lr: 3e-4, minLr: 0.1 * 3e-3 },
  });
  const runs = readRuns(dir);
  const flops = new Map(runs.map(({ manifest }) => [manifest.runId, 1e6]));
  const path = join(dir, "report.html");
  Deno.writeTextFileSync(path, await renderReport({ title: "page", runs, flops, reproduce: [] }));
  return pathToFileURL(path).href;
}

interface Drawn {
  name: string;
  mode: string;
  x: (number | string)[];
  y: (number | null)[];
  opacity?: number;
  line?: { color: string };
  error_y?: { array: number[] };
  meta?: { run?: string; role?: string; mean?: string };
}

/** Returns what a figure draws, after it was drawn again. */
async function drawn(page: Page, title: string): Promise<Drawn[]> {
  await page.evaluate(`(async () => {
    const plot = [...document.querySelectorAll("figure")].find((figure) => new RegExp(${
    JSON.stringify(title)
  }).test(figure.innerText)).querySelector(".plot");
    plot.scrollIntoView();
    await new Promise((done) => setTimeout(done, 300));
    globalThis.found = plot.data;
  })()`);
  return await page.evaluate("JSON.parse(JSON.stringify(globalThis.found))") as Drawn[];
}

/** Sets a control of the view. */
async function set(page: Page, name: string, value: string | boolean): Promise<void> {
  await page.evaluate(`(() => {
    const control = document.querySelector("#view [name=${name}]");
    if (control.type === "checkbox") control.checked = ${JSON.stringify(value)};
    else control.value = ${JSON.stringify(value)};
    control.dispatchEvent(new Event("input", { bubbles: true }));
  })()`);
}

/** Clicks the button that gives the last download, and returns the file's name and text. */
async function download(page: Page, click: string): Promise<{ name: string; text: string }> {
  return await page.evaluate(`(async () => {
    const { createObjectURL } = URL, { click } = HTMLAnchorElement.prototype;
    let blob;
    URL.createObjectURL = (one) => createObjectURL.call(URL, blob = one);
    const link = new Promise((done) => {
      HTMLAnchorElement.prototype.click = function () { done(this); };
    });
    ${click};
    const { download, href } = await link;
    Object.assign(URL, { createObjectURL });
    HTMLAnchorElement.prototype.click = click;
    return { name: download, text: href.startsWith("data:") ? decodeURIComponent(href).slice(0, 300) : await blob.text() };
  })()`) as { name: string; text: string };
}

Deno.test({
  name: "the report's page in Chromium",
  ignore: chromium === undefined,
  fn: async (t) => {
    const dir = Deno.makeTempDirSync();
    const browser = await launchChromium(chromium!);
    try {
      const url = await writeReport(dir);
      const { page, deeds } = await openReport(browser, url);
      const reopen = async (hash: string) => {
        await page.goto("about:blank");
        await page.goto(url + hash);
        await page.waitForSelector("body[data-ready]");
      };
      await t.step("filters recompute means and intervals, and say what is of all runs", async () => {
        const mean = async () =>
          (await drawn(page, "^Gap by")).find(({ meta }) => meta?.role === "category")!;
        const all = await mean();
        assertAlmostEquals(all.y[0]!, 0.3, 1e-9);
        assertEquals(await page.$eval("#scope", (element) => element.hasAttribute("hidden")), true);
        await page.click("#filters input[name=seed][value='2']"); // the third seed
        const two = await mean();
        assertAlmostEquals(two.y[0]!, 0.15, 1e-9);
        assertAlmostEquals(two.error_y!.array[0]!, 12.7062047 * 0.05, 1e-6); // t of one degree of freedom
        const [low, high, middle] = (await drawn(page, "^Gap: ")).filter(({ meta }) =>
          meta?.mean !== undefined
        );
        assertEquals(middle!.name, "bf16-autocast, mean of 2, 95 % interval");
        assertAlmostEquals(middle!.y[3]!, 0.15, 1e-6);
        assertAlmostEquals(high!.y[3]! - low!.y[3]!, 2 * 12.7062047 * 0.05, 1e-5);
        assertEquals(await page.$eval("#scope", (element) => element.hasAttribute("hidden")), false);
        const mark = await page.evaluate(
          `getComputedStyle(document.querySelector(".all > h2"), "::after").content`,
        );
        assertStringIncludes(String(mark), "all runs");
        await page.click("#filters button[type=reset]");
      });
      await t.step("curves over steps can be smoothed, scaled, colored and averaged", async () => {
        await reopen("");
        const before = (await drawn(page, "^Loss: .*steps = 40")).filter(({ mode }) => mode === "lines");
        await set(page, "smooth", "0.9");
        const after = (await drawn(page, "^Loss: .*steps = 40")).filter(({ mode }) => mode === "lines");
        assertEquals(after.length, 2 * before.length);
        assertEquals([after[0]!.opacity, after[0]!.y], [0.2, before[0]!.y]);
        const spread = (y: (number | null)[]) =>
          Math.max(...y.slice(20) as number[]) - Math.min(...y.slice(20) as number[]);
        assertEquals(spread(before[0]!.y), 1);
        assert(spread(after[1]!.y) < 0.5);
        await set(page, "smooth", "0");
        for (
          const [unit, last] of [["tokens", STEPS * TOKENS], ["FLOPs", STEPS * 1e6], [
            "time",
            STEPS / 2,
          ]] as const
        ) {
          await set(page, "x", unit);
          const [line] = (await drawn(page, "^Loss: .*steps = 40")).filter(({ mode }) => mode === "lines");
          assertAlmostEquals(Number(line!.x.at(-1)), last, 1e-3 * last);
        }
        await set(page, "x", "step");
        await set(page, "color", "seed");
        const colors = (await drawn(page, "^Loss: .*steps = 40")).filter(({ mode }) => mode === "lines")
          .map(({ line }) => line!.color);
        assertEquals(new Set(colors).size, 3);
        const legend = await page.$$eval(".legend span", (spans) => spans.map((span) => span.textContent));
        assertEquals(legend.slice(0, 3), ["seed 1", "seed 2", "seed 3"]);
        await set(page, "color", "");
        await set(page, "band", true);
        const means = (await drawn(page, "^Loss: .*steps = 40")).filter(({ name }) =>
          name?.includes("mean of 3")
        );
        assertEquals(means.map(({ name }) => name), [
          "float32, mean of 3, 95 % interval",
          "bf16-autocast, mean of 3, 95 % interval",
        ]);
        assertAlmostEquals(means[1]!.y[0]! - means[0]!.y[0]!, 0.3, 1e-6);
        const meansOf = async (title: string) =>
          (await drawn(page, title)).filter(({ meta }) => meta?.role === "mean")
            .map(({ name, y }) => [name?.split(", mean of ")[0], y.length, y[0], y.at(-1)]);
        // The short run has its own values until its end, and does not shift those of longer runs.
        const speed = 2 * TOKENS, first = (3 * speed + 5000.5) / 4;
        assertEquals(await meansOf("^Throughput"), [["float32", 20, first, speed], [
          "bf16-autocast",
          20,
          speed,
          speed,
        ]]);
        await set(page, "color", "lr"); // bands are of any field
        assertEquals(await meansOf("^Throughput"), [["0.001", 20, speed, speed]]);
        assertEquals((await meansOf("^Gap: "))[0]![0], "0.001");
        await set(page, "color", "seed");
        assertEquals((await meansOf("^Throughput")).map(([name]) => name), ["1", "2", "3"]);
        assertEquals((await meansOf("^Gap: ")).map(([name]) => name), ["bf16-autocast"]); // one pair per seed
        await set(page, "color", "");
        await set(page, "logY", true);
        await drawn(page, "^Loss: .*steps = 40");
        assertEquals(
          await page.evaluate(
            `[...document.querySelectorAll(".plot")].find(({ data }) => data === found).layout.yaxis.type`,
          ),
          "log",
        );
      });
      await t.step(
        "the view, pinned and hidden runs and the opened run are part of the address",
        async () => {
          await reopen("");
          await set(page, "x", "tokens");
          const row = `table[data-of=runs] tbody tr:nth-child`;
          await page.focus(`${row}(1) .open`);
          await page.keyboard.press("p");
          await page.focus(`${row}(2) .open`);
          await page.keyboard.press("h");
          const ids = await page.$$eval(
            "table[data-of=runs] tbody tr",
            (rows) => rows.map((row) => row.getAttribute("data-run")),
          );
          const hash = new URL(page.url()).hash;
          const { view, pinned, hidden } = decodeState(hash.slice(1));
          assertEquals([[...view], pinned, hidden], [[["x", "tokens"]], [ids[0]!], [ids[1]!]]);
          await reopen(hash);
          assertMatch(
            await page.$eval("#filters output", (output) => output.textContent ?? ""),
            /^6 of 7 runs shown, 1 hidden$/,
          );
          assertEquals(
            await page.$eval(`${row}(1) .pin`, (pin) => pin.textContent),
            "★",
          );
          const [line] = (await drawn(page, "^Loss: .*steps = 40")).filter(({ mode }) => mode === "lines");
          assertEquals(Number(line!.x.at(-1)) % TOKENS, 0);
        },
      );
      await t.step("a figure's own legend wraps: no entry is wider than a phone's page", async () => {
        await reopen("");
        await page.setViewport({ width: 390, height: 900 });
        await drawn(page, "^Gap by");
        const [widths, own] = await page.evaluate(`(() => {
          const spans = [...document.querySelectorAll(".keys span")];
          return [spans.map((span) => span.getBoundingClientRect().right), spans.map((span) => span.textContent)];
        })()`) as [number[], string[]];
        assertEquals(own.slice(0, 2), ["bf16-autocast", "bf16-autocast, mean"]);
        assert(widths.every((right) => right <= 390), String(widths));
        assertEquals(await page.$$eval(".plot .legend", (legends) => legends.length), 0); // Plotly's
        await page.setViewport({ width: 1280, height: 900 });
      });
      await t.step("the legend of a section lists the precisions in its figures alone", async () => {
        await reopen("");
        const labels = await page.evaluate(`["Loss", "Gap by step"].map((heading) => [
          ...[...document.querySelectorAll("section")].find((one) => one.querySelector("h2")?.textContent === heading)
            .querySelectorAll(".legend span"),
        ].map(({ textContent }) => textContent).filter((text) => !text.includes("seed")))`);
        assertEquals(labels, [["float32", "bf16-autocast"], ["bf16-autocast"]]);
      });
      await t.step("a run has a page of its own, with its configuration, results and curves", async () => {
        await reopen("");
        const id = await page.$eval(
          "table[data-of=runs] tbody tr .open",
          (button) => button.textContent ?? "",
        );
        await page.click("table[data-of=runs] tbody tr .open");
        assertEquals(decodeState(new URL(page.url()).hash.slice(1)).opened, id);
        await page.waitForSelector("#run .scatterlayer path");
        const text = await page.$eval("#run", (element) => element.textContent ?? "");
        for (
          const part of [`Run ${id}`, "Differs in precision alone: ", "val loss", "nEmbd", "warmupSteps"]
        ) {
          assertStringIncludes(text, part);
        }
        assertEquals(
          await page.evaluate("getComputedStyle(document.querySelector('#filters')).display"),
          "none",
        );
        await page.keyboard.press("Escape");
        assertEquals(await page.$eval("#run", (element) => element.hasAttribute("hidden")), true);
      });
      await t.step(
        "figures of a run and of runs side by side have what other figures have: keys, downloads, readings, help",
        async () => {
          await reopen("");
          const detail = async (part: string) => {
            const plot = `#${part}-figure-0`;
            await page.evaluate(`document.querySelector("${plot}").scrollIntoView({ block: "center" })`);
            await page.waitForSelector(`${plot} .scatterlayer path`);
            const figure = await page.$eval(plot, (element) => ({
              tab: element.getAttribute("tabindex"),
              role: element.getAttribute("aria-roledescription"),
              buttons: [...element.parentElement!.querySelectorAll(".save button")].map((button) =>
                button.textContent
              ),
              how: element.parentElement!.querySelector(".how")?.textContent ?? "",
              label: element.getAttribute("aria-label") ?? "",
              legend: [...element.parentElement!.querySelectorAll(".keys span")].length,
              dimmed: element.querySelectorAll(".dim").length,
            }));
            const { how, label, ...rest } = figure;
            assertEquals(rest, {
              tab: "0",
              role: "chart",
              buttons: ["SVG", "PNG", "CSV"],
              legend: 2,
              dimmed: 0,
            });
            assertMatch(how, /^Lines: training loss/);
            assertMatch(label, /^Loss: runs? [0-9a-f]{12}.*values from .*Arrow keys/);
            await page.focus(plot);
            await page.keyboard.press("ArrowDown");
            const readout = await page.$eval(`${plot} ~ .readout`, (element) => element.textContent ?? "");
            assertMatch(readout, /^step 40: [0-9a-f]{12}: .*, seed 1.* [\d.]+.*[0-9a-f]{12}: .* [\d.]+/);
            for (
              const [key, start] of [["s", "data:image/svg"], ["p", "data:image/png"], ["c", "run,name,"]]
            ) {
              const click =
                `document.querySelector("${plot}").dispatchEvent(new KeyboardEvent("keydown", { key: "${key}" }))`;
              const { name, text } = await download(page, click);
              assertMatch(name, /^loss-runs?-[0-9a-f]{12}/);
              assert(text.startsWith(start!), text.slice(0, 40));
            }
          };
          const rows = "table[data-of=runs] tbody tr";
          await page.evaluate(`document.querySelector("${rows} .open").click()`);
          await detail("run");
          // A run's figures follow the view, which it shares with the report.
          await page.keyboard.press("Escape");
          for (const i of [1, 2]) {
            await page.evaluate(`document.querySelector("${rows}:nth-child(${i}) .pin").click()`);
          }
          await detail("beside");
          await set(page, "x", "tokens");
          await page.waitForFunction(
            `document.querySelector("#beside-figure-0").data[0].x.at(-1) === ${STEPS * TOKENS}`,
          );
          assertEquals(
            await page.evaluate("new Set([...document.querySelectorAll('[id]')].map(({ id }) => id)).size"),
            await page.$$eval("[id]", (found) => found.length),
          );
        },
      );
      await t.step("the values at a step are of all runs that reached it", async () => {
        await reopen("");
        await drawn(page, "^Throughput");
        const read = async (key: "ArrowUp" | "ArrowLeft", times: number) => {
          for (let i = 0; i < times; i++) await page.keyboard.press(key);
          return await page.evaluate(
            "document.activeElement.closest('figure').querySelector('.readout').textContent",
          ) as string;
        };
        await page.evaluate(`[...document.querySelectorAll("figure")].find((figure) =>
          figure.innerText.startsWith("Throughput")).querySelector(".plot").focus()`);
        const count = (text: string) => text.split("seed ").length - 1;
        const last = await read("ArrowUp", 1);
        assertMatch(last, new RegExp(`^step ${STEPS}: `));
        assertEquals(count(last), 6, last);
        const first = await read("ArrowLeft", STEPS);
        assertMatch(first, /^step 1: /);
        assertEquals(count(first), 7, first);
      });
      await t.step("derived numbers have at most 12 digits", async () => {
        await reopen("");
        await page.evaluate(`(() => {
          const rows = [...document.querySelectorAll("table[data-of=runs] tbody tr")];
          const short = rows.find((row) => [...row.cells].some(({ textContent }) => textContent === "5"));
          for (const row of [rows[0], short]) row.querySelector(".pin").click();
        })()`);
        const cells = await page.$$eval(
          "#beside td",
          (found) => found.map(({ textContent }) => textContent ?? ""),
        );
        assert(cells.includes("0.0003"), `${cells}`);
        assertEquals(cells.filter((text) => /\d\.\d{13}/.test(text)), []);
      });
      await t.step(
        "any two runs appear side by side, with a warning if they differ in more than precision",
        async () => {
          await reopen("");
          const warning = async (a: number, b: number) => {
            for (const i of [a, b]) await page.click(`table[data-of=runs] tbody tr:nth-child(${i}) .pin`);
            await page.evaluate("document.querySelector('#beside .plot').scrollIntoView()");
            await page.waitForSelector("#beside .scatterlayer path");
            const said = await page.$eval("#beside p", (element) => element.textContent);
            const looks = await page.evaluate(`document.querySelector("#beside-figure-0").data
              .map(({ meta, line }) => meta?.run && line && line.color + line.dash).filter(Boolean)`) as string[];
            assertEquals(new Set(looks).size, looks.length, `${looks}`);
            for (const i of [a, b]) await page.click(`table[data-of=runs] tbody tr:nth-child(${i}) .pin`);
            assertEquals(await page.$eval("#beside", (element) => element.hasAttribute("hidden")), true);
            return said;
          };
          assertEquals(await warning(1, 2), "The runs differ in precision or seed alone.");
          const cells = await page.$$eval(
            "table[data-of=runs] tbody tr",
            (rows) =>
              rows.map((row) => [...row.querySelectorAll("td")].map(({ textContent }) => textContent)),
          );
          const short = 1 + cells.findIndex((row) => row.includes("5")); // its validation loss
          assertEquals(
            await warning(1, short),
            "Not a comparison of precisions: the runs also differ in steps, lr, minLr.",
          );
        },
      );
      await t.step("saves tables as CSV, and figures as CSV, SVG and PNG", async () => {
        await reopen("");
        const table = await download(
          page,
          `document.querySelector("table[data-of=runs]").closest(".scroll").nextElementSibling.click()`,
        );
        assertEquals(table.name, "runs.csv");
        const [head, ...rows] = table.text.trimEnd().split("\r\n");
        assertStringIncludes(head!, "run,policy,");
        assertEquals(rows.length, 7);
        await drawn(page, "^Loss: .*steps = 40");
        const key = (key: string) =>
          `[...document.querySelectorAll("figure")].find((figure) => /^Loss: .*steps = 40/.test(figure.innerText)).querySelector(".plot")` +
          `.dispatchEvent(new KeyboardEvent("keydown", { key: ${JSON.stringify(key)}, bubbles: true }))`;
        const csv = await download(page, key("c"));
        assertMatch(csv.name, /^loss-character-t-64-.*steps-40.*\.csv$/);
        assertMatch(csv.text, /^run,name,step,y\r\n[0-9a-f]{12},"float32, seed 1",1,3\r\n/);
        const svg = await download(page, key("s"));
        assertMatch(svg.text, /^data:image\/svg\+xml,<svg /);
        const png = await download(page, key("p"));
        assertMatch(png.text, /^data:image\/png;base64,iVBOR/);
      });
      assertEquals(deeds.complaints, []);
      await t.step(
        "a shared address restores filters of any value, of one tag of several, and sorted tables",
        async () => {
          const tagged = Deno.makeTempDirSync();
          const tags = [[], ["!a"], ["!a", "none"], ["none"]];
          for (const [i, own] of tags.entries()) {
            const folder = writeSyntheticRun(tagged, {
              losses: [3, 2],
              evals: [{ step: 2, loss: 2 + i }],
              spec: { seed: i, tokenizer: ["!", "", "a,b", "a&b=%21"][i]! },
            });
            if (own.length > 0) writeNote(runPaths(folder).note, { text: "", tags: own });
          }
          const html = await renderReport({ title: "tags", runs: readRuns(tagged), reproduce: [] });
          const path = join(tagged, "report.html"), { href } = pathToFileURL(path);
          Deno.writeTextFileSync(path, html);
          const page = await browser.newPage();
          const open = async (hash: string) => {
            await page.goto("about:blank");
            await page.goto(href + hash);
            await page.waitForSelector("body[data-ready]");
          };
          const rows = () =>
            page.$$eval(
              "table[data-of=runs] tbody tr:not([hidden])",
              (found) =>
                found.map((row) =>
                  [...row.querySelectorAll("td")].map(({ textContent }) => textContent).join("|")
                ),
            );
          const press = (axis: string, label: string) =>
            page.evaluate(`[...document.querySelectorAll("#filters [data-axis=${axis}] label")]
              .find(({ textContent }) => textContent === ${JSON.stringify(label)}).click()`);
          await open("");
          assertEquals((await rows()).length, 4);
          // A run with both tags matches each of them.
          for (const label of ["no tag", "none"]) await press("tags", label);
          const withA = await rows();
          assertEquals(withA.length, 2);
          await press("tokenizer", "a,b");
          // Not by the mouse: figures that are drawn late move the table.
          const header = 'document.querySelector("table[data-of=runs] th[data-column=valLoss] button")';
          await page.evaluate(`${header}.click(), ${header}.click()`);
          // The browser reports changes of the address late.
          const hash = String(await page.evaluate("location.hash"));
          const before = await rows();
          assertEquals(before.length, 1);
          await open(hash);
          assertEquals(await rows(), before);
          assertEquals(
            await page.$eval("th[aria-sort=descending]", (th) => th.getAttribute("data-column")),
            "valLoss",
          );
          for (const label of ["!", "", "a,b", "a&b=%21"]) {
            await open("");
            for (const other of ["!", "", "a,b", "a&b=%21"]) {
              if (other !== label) await press("tokenizer", other);
            }
            const only = await rows();
            assertEquals(only.length, 1, label);
            await open(String(await page.evaluate("location.hash")));
            assertEquals(await rows(), only, label);
          }
          Deno.removeSync(tagged, { recursive: true });
        },
      );
    } finally {
      await browser.close();
      Deno.removeSync(dir, { recursive: true });
    }
  },
});
