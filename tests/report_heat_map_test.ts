/**
 * Heat maps of the report in Chromium: labels of steps on a narrow screen.
 */
import { assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderReport } from "../lib/figure/mod.ts";
import { readRuns } from "../lib/record/mod.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const chromium = await findChromium();
if (chromium === undefined) console.log("tests of heat maps are ignored: no Chromium could be had");

Deno.test({
  name: "labels of a heat map's steps do not overlap on a phone",
  ignore: chromium === undefined,
  fn: async () => {
    const dir = Deno.makeTempDirSync(), path = join(dir, "report.html");
    const browser = await launchChromium(chromium!);
    try {
      writeSyntheticRun(dir, {
        losses: Array.from({ length: 1500 }, () => 3),
        step: (i) =>
          i % 100 !== 0
            ? {}
            : { probes: { "h.0": { residualMax: i, gradNorm: i }, "h.1": { residualMax: i, gradNorm: i } } },
      });
      Deno.writeTextFileSync(
        path,
        await renderReport({ title: "probes", runs: readRuns(dir), reproduce: [] }),
      );
      const page = await browser.newPage();
      await page.setViewport({ width: 390, height: 900 });
      await page.goto(pathToFileURL(path).href);
      await page.waitForSelector("body[data-ready]");
      const boxes = await page.evaluate(`(async () => {
        const figure = [...document.querySelectorAll("figure")].find((one) => /Residual stream/.test(one.textContent));
        figure.scrollIntoView();
        while (figure.querySelector(".xtick text") === null) await new Promise((done) => setTimeout(done, 50));
        return [...figure.querySelectorAll(".xtick text")].map((text) => {
          const { left, right } = text.getBoundingClientRect();
          return { left, right };
        }).sort((a, b) => a.left - b.left);
      })()`) as { left: number; right: number }[];
      assertGreater(boxes.length, 1);
      assertEquals(boxes.slice(1).filter(({ left }, i) => left <= boxes[i]!.right), []);
    } finally {
      await browser.close();
      Deno.removeSync(dir, { recursive: true });
    }
  },
});
