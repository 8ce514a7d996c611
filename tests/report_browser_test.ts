import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderReport } from "../lib/figure/mod.ts";
import { readRuns } from "../lib/record/mod.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { openReport, showAll } from "./support/report_page.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const chromium = await findChromium();
if (chromium === undefined) {
  console.log("tests of the report in a browser are ignored: no Chromium could be had");
}

/** Hostile text for every name that a user or a corpus can set. The page must only show it. */
const HOSTILE = `<a href="https://a.b">x</a></script><img src=x onerror=alert(1)>'"\u2028%{x}`;

/** Writes a report of synthetic runs to a file. */
async function writeReport(dir: string, name: string): Promise<string> {
  for (const T of [64, 128]) {
    for (const seed of [1, 2]) {
      for (const policy of ["float32", "bf16-autocast", HOSTILE]) {
        const losses = Array.from({ length: 600 }, (_, i) => {
          const loss = 4.2 - 2 * (1 - Math.exp(-i / 100)) + 0.1 * Math.sin(i * seed);
          if (policy === "float32") return loss;
          return seed === 2 && i > 400 ? NaN : loss + 0.0001 * i;
        });
        writeSyntheticRun(dir, {
          losses,
          evals: [0, 300, 600].map((step) => ({ step, loss: losses[Math.max(0, step - 1)]! })),
          spec: { data: name, tokenizer: name, T, seed, policy },
          environment: { cpuModel: name },
          ...T === 64 ? {} : { end: { fail: name } },
        });
      }
    }
  }
  const html = await renderReport({ title: name, runs: readRuns(dir), reproduce: [name] });
  const path = join(dir, "report.html");
  Deno.writeTextFileSync(path, html);
  return pathToFileURL(path).href;
}

Deno.test({
  name: "report.html in Chromium",
  ignore: chromium === undefined,
  fn: async (t) => {
    const dir = Deno.makeTempDirSync();
    const browser = await launchChromium(chromium!);
    try {
      const url = await writeReport(dir, HOSTILE);
      await t.step("makes no requests and logs no errors", async () => {
        const { page, deeds } = await openReport(browser, url);
        assertEquals(deeds, { requests: [url], complaints: [], dialogs: [] });
        await page.close();
      });
      await t.step("draws every figure, with its curves and points", async () => {
        const { page } = await openReport(browser, url);
        const plots = await page.$$eval(".plot[id]", (elements) =>
          elements.map((element) => [
            element.querySelectorAll(".main-svg").length,
            element.querySelectorAll(".scatterlayer .trace path").length,
          ]));
        assertEquals(plots.length, 1 + 2 + 2 + 3); // one axis; two lengths, as losses and as gaps; training
        for (const [layers, paths] of plots) {
          assertGreater(layers!, 1);
          assertGreater(paths!, 1);
        }
        await page.close();
      });
      await t.step("shows hostile text in labels and on hover, and executes none of it", async () => {
        const { page, deeds } = await openReport(browser, url);
        assertEquals(
          await page.$$eval(
            "img, a[href], iframe, object, embed, form:not(#filters, #view)",
            (found) => found.length,
          ),
          0,
        );
        // Plotly links with xlink:href in its figures
        assertEquals(await page.$$eval("svg a", (found) => found.length), 0);
        const legend = await page.$$eval(".keys span", (texts) => texts.map((text) => text.textContent));
        assert(
          legend.some((text) => text?.startsWith(`<a href="https://a.b">x</a></sc`)),
          `${legend}`,
        );
        const hovered = await page.evaluate(`(async () => {
          const texts = [];
          for (const plot of document.querySelectorAll(".plot[id]")) {
            Plotly.Fx.hover(plot, plot.data.map((_, curveNumber) => ({ curveNumber, pointNumber: 0 })));
            await new Promise((done) => setTimeout(done, 100));
            texts.push(...[...plot.querySelectorAll(".hoverlayer text")].map((text) => text.textContent));
          }
          return texts.join("\\n");
        })()`) as string;
        assertStringIncludes(hovered, '<a href="https://a.b">x</a></sc');
        assertEquals(await page.$$eval("img, svg a, a[href]", (found) => found.length), 0);
        assertEquals(deeds, { requests: [url], complaints: [], dialogs: [] });
        await page.close();
      });
      await t.step(
        "filters figures and tables by axis, keeps the choice in its address, and shows all again",
        async () => {
          const { page } = await openReport(browser, url);
          const shown = () =>
            page.evaluate(`[
          document.querySelector("#filters output").textContent,
          [...document.querySelectorAll("table[data-of=runs] tbody tr:not([hidden])")].length,
          [...document.querySelectorAll("figure:not([hidden])")].length,
        ]`);
          assertEquals(await shown(), ["12 of 12 runs shown", 12, 8]);
          await page.click("#filters input[name=T]"); // 64
          await page.click("#filters input[name=seed][value='1']"); // the second seed
          // The gap by axis shows only the marks of the other length.
          assertEquals(await shown(), ["3 of 12 runs shown", 3, 6]);
          await showAll(page);
          // Figures that were drawn before are drawn again when they become visible.
          const names = await page.evaluate(`(async () => {
          const found = [];
          for (const plot of document.querySelectorAll("figure:not([hidden]) .plot")) {
            plot.scrollIntoView();
            const stale = () => plot.data.some(({ name }) => name.includes("seed 2"));
            for (let tries = 0; stale() && tries < 200; tries++) await new Promise((done) => setTimeout(done, 50));
            found.push(...plot.data.map(({ name }) => name));
          }
          return found;
        })()`) as string[];
          assertGreater(names.filter((name) => name.includes("seed 1")).length, 0);
          assertEquals(names.filter((name) => name.includes("seed 2")), []);
          assertEquals(decodeURIComponent(new URL(page.url()).hash), '#T={"not":["64"]}&seed={"not":["2"]}');
          await page.reload();
          await showAll(page);
          assertEquals(await shown(), ["3 of 12 runs shown", 3, 6]);
          await page.click("#filters button[type=reset]");
          await page.waitForFunction(
            "document.querySelector('#filters output').textContent.startsWith('12 of 12')",
          );
          await showAll(page);
          assertEquals(await shown(), ["12 of 12 runs shown", 12, 8]);
          await page.close();
        },
      );
      await t.step("highlights the pair of a curve by mouse, by arrow keys and from the table", async () => {
        const { page } = await openReport(browser, url);
        const lit = () =>
          page.evaluate(`[
          [...document.querySelectorAll("tr.pair")].length,
          document.querySelectorAll(".plot .dim").length > 0,
        ]`);
        assertEquals(await lit(), [0, false]);
        // The second figure shows losses of three precisions and two seeds.
        await page.focus("#figure-1");
        await page.keyboard.press("ArrowDown");
        assertEquals((await lit() as unknown[])[1], true);
        const readout = await page.$eval("#figure-1 ~ .readout", (element) => element.textContent ?? "");
        // The hostile name of the precision is plain text.
        assertMatch(readout, /^step 600: (.* [\d.]+(, )?){3}; others: (.* [\d.]+(, )?){1}/);
        assertStringIncludes(readout, "float32, seed 1");
        assertStringIncludes(readout, '<a href="https://a.b">x</a>');
        await page.evaluate("document.activeElement.blur()");
        assertEquals(await lit(), [0, false]);
        await page.click("table[data-of=runs] button.pin");
        assertEquals(await lit(), [3 + 2, true]); // its runs and its pairs
        assertEquals(
          await page.$$eval("table[data-of=runs] .pin[aria-pressed=true]", (found) => found.length),
          1,
        );
        await page.close();
      });
      await t.step(
        "pinned runs of several pairs stay lit, and figures without them are not dimmed",
        async () => {
          const { page } = await openReport(browser, url);
          const isDim = (figure: number) =>
            page.$$eval(
              `#figure-${figure} .scatterlayer .trace`,
              (traces) => traces.map(({ classList }) => classList.contains("dim")),
            );
          const pin = (id: unknown) =>
            page.evaluate(`document.querySelector('table[data-of=runs] tr[data-run="${id}"] .pin').click()`);
          const runs = await page.evaluate(`["#figure-1", "#figure-2"].map((figure) =>
          [...new Set(document.querySelector(figure).data.map(({ meta }) => meta?.run).filter(Boolean))])`) as string[][];
          const [first, second] = runs as [string[], string[]];
          await pin(first[0]);
          assert((await isDim(1)).includes(true) && (await isDim(1)).includes(false));
          assertEquals((await isDim(2)).includes(true), false); // another sequence length
          for (const id of first) if (id !== first[0]) await pin(id);
          assertEquals((await isDim(1)).includes(true), false);
          await pin(second[0]);
          assertEquals((await isDim(1)).includes(true), false);
          assert((await isDim(2)).includes(true));
          await page.close();
        },
      );
      await t.step("the page of a failed run shows its error message", async () => {
        const { page } = await openReport(browser, url);
        await page.evaluate(`[...document.querySelectorAll("table[data-of=runs] tbody tr")]
          .find((row) => row.innerText.includes("failed")).querySelector(".open").click()`);
        assertStringIncludes(
          await page.$eval("#run .warning", ({ textContent }) => textContent ?? ""),
          'Failed: <a href="https://a.b">x</a>',
        );
        await page.close();
      });
      await t.step("sorts a table by a column in both directions, with missing values last", async () => {
        const { page } = await openReport(browser, url);
        const column = () =>
          page.evaluate(`(() => {
          const table = document.querySelector("table[data-of=runs]");
          const place = [...table.tHead.rows[0].cells].findIndex((th) => th.textContent === "val loss");
          return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
        })()`) as Promise<string[]>;
        const sorted = (texts: string[], sign: number) => {
          const numbers = texts.map(Number), finite = numbers.filter((x) => !Number.isNaN(x));
          assertEquals(numbers.slice(0, finite.length), finite.toSorted((a, b) => sign * (a - b)));
          assertGreater(numbers.length, finite.length);
        };
        const press = () =>
          page.evaluate(`[...document.querySelectorAll("table[data-of=runs] thead button")]
          .find(({ textContent }) => textContent === "val loss").click()`);
        await press();
        sorted(await column(), 1);
        await press();
        sorted(await column(), -1);
        assertEquals(await page.$$eval("th[aria-sort=descending]", (found) => found.length), 1);
        await page.close();
      });
      await t.step("keeps the place of a reader who opens, leaves and hides runs by keyboard", async () => {
        const { page } = await openReport(browser, url);
        const rows = "[...document.querySelectorAll('table[data-of=runs] tbody tr')]";
        const place = () =>
          page.evaluate(
            `[document.activeElement.className, ${rows}.indexOf(document.activeElement.closest("tr"))]`,
          );
        await page.evaluate(`${rows}[2].querySelector(".open").focus()`);
        const top = await page.evaluate("scrollY") as number;
        assertGreater(top, 0);
        await page.keyboard.press("Enter");
        assertEquals([await page.evaluate("scrollY"), await place()], [0, ["back", -1]]);
        await page.keyboard.press("Escape");
        assertEquals([await page.evaluate("scrollY"), await place()], [top, ["open", 2]]);
        await page.keyboard.press("h");
        assertEquals(await place(), ["open", 3]);
        await page.close();
      });
      await t.step(
        "saves figures with hostile and with long titles as text that fits the image",
        async () => {
          const long = Deno.makeTempDirSync();
          const longUrl = await writeReport(long, "W".repeat(58));
          for (
            const [from, wanted] of [[url, /<a href="https:\/\/a\.b">x/], [longUrl, /^Loss: W+…$/]] as const
          ) {
            const { page } = await openReport(browser, from);
            const svg = await page.evaluate(`new Promise((done) => {
            HTMLAnchorElement.prototype.click = function () { done(decodeURIComponent(this.href)); };
            const event = new KeyboardEvent("keydown", { key: "s", bubbles: true });
            document.getElementById("figure-1").dispatchEvent(event);
          })`) as string;
            assert(!svg.includes("<a "), "a title became a link");
            const { title, width } = await page.evaluate(
              `(() => {
            const host = document.createElement("div");
            host.append(
              new DOMParser().parseFromString(${
                JSON.stringify(svg.slice(svg.indexOf(",") + 1))
              }, "image/svg+xml").documentElement,
            );
            document.body.append(host);
            const text = host.querySelector(".gtitle");
            return { title: text.textContent, width: text.getBBox().width };
          })()`,
            ) as { title: string; width: number };
            assertMatch(title, wanted);
            assertLessOrEqual(width, 900);
            await page.close();
          }
          Deno.removeSync(long, { recursive: true });
        },
      );
      await t.step("lists hidden runs with a button each, by mouse and by keyboard", async () => {
        const { page } = await openReport(browser, url);
        const buttons = () =>
          page.$$eval("#hidden:not([hidden]) button", (found) => found.map(({ textContent }) => textContent));
        const ids = await page.$$eval(
          "table[data-of=runs] .open",
          (found) => found.slice(0, 3).map(({ textContent }) => textContent),
        );
        assertEquals(await buttons(), []);
        await page.evaluate("document.querySelector('table[data-of=runs] .open').focus()");
        for (const _ of ids) await page.keyboard.press("h");
        const listed = await buttons();
        assertEquals(listed.map((text) => text?.slice(0, 12)), ids);
        assertMatch(listed[0]!, /, seed 1$|, seed 1, /);
        assert(
          listed.every((text) =>
            text?.includes("sequence length 64") || text?.includes("sequence length 128")
          ),
          `${listed}`,
        );
        await page.reload();
        await page.waitForSelector("body[data-ready]");
        assertEquals(await buttons(), listed);
        const focused = () => page.evaluate("document.activeElement.textContent.slice(0, 12)");
        await page.evaluate("document.querySelectorAll('#hidden button')[1].focus()");
        await page.keyboard.press("Enter");
        assertEquals(await buttons(), [listed[0], listed[2]]);
        assertEquals(await focused(), ids[2]);
        await page.keyboard.press("Space");
        assertEquals(await focused(), ids[0]);
        await page.click("#hidden button");
        assertEquals([await buttons(), await focused()], [[], ids[0]]);
        assertEquals(
          await page.$eval("#filters output", ({ textContent }) => textContent),
          "12 of 12 runs shown",
        );
        await page.close();
      });
      await t.step(
        "puts precisions of a category side by side, and names the numbers of a legend",
        async () => {
          const { page } = await openReport(browser, url);
          const lefts = await page.$$eval(
            "#figure-0 .scatterlayer .trace",
            (traces) => traces.map((trace) => trace.querySelector(".point")?.getBoundingClientRect().left),
          );
          assertEquals(lefts.length, 4); // marks and means of two precisions
          assertEquals(new Set(lefts).size, 4);
          await page.select("#view [name=color]", "seed");
          assertEquals(
            await page.$$eval(".legend span", (found) => [
              ...new Set(found.map(({ textContent }) => textContent)),
            ]),
            ["seed 1", "seed 2"],
          );
          await page.close();
        },
      );
      await t.step("prints how many runs a filter shows, and closes details again", async () => {
        const { page } = await openReport(browser, url);
        await page.click("#filters input[name=T]");
        await page.emulateMediaType("print");
        assertEquals(
          await page.$$eval(
            "#filters output, #filters input",
            (found) => found.filter((one) => one.checkVisibility()).map(({ tagName }) => tagName),
          ),
          ["OUTPUT"],
        );
        await page.evaluate("document.body.append(document.createElement('details'))");
        const open = (event: string) =>
          page.evaluate(
            `dispatchEvent(new Event("${event}")), document.querySelectorAll("details[open]").length`,
          );
        assertEquals(await open("beforeprint"), 1);
        assertEquals(await open("afterprint"), 0);
        await page.close();
      });
      await t.step("figures fit the page again after printing, also those that the print hid", async () => {
        const { page } = await openReport(browser, url);
        await page.setViewport({ width: 390, height: 844 });
        const print = () =>
          page.evaluate(`(async () => {
          for (const event of ["beforeprint", "afterprint"]) {
            dispatchEvent(new Event(event));
            await new Promise((done) => setTimeout(done, 1500));
          }
        })()`);
        const widest = () =>
          page.evaluate(`Math.max(
          document.documentElement.scrollWidth,
          ...[...document.querySelectorAll(".plot .main-svg")].map((svg) => svg.getBoundingClientRect().right),
        )`) as Promise<number>;
        await print();
        assertLessOrEqual(await widest(), 390);
        await page.evaluate("document.querySelector('table[data-of=runs] .open').click()");
        await page.waitForSelector("#run .scatterlayer path");
        await print();
        assertLessOrEqual(await widest(), 390);
        await page.keyboard.press("Escape");
        await showAll(page);
        assertLessOrEqual(await widest(), 390);
        await page.close();
      });
      await t.step("prints all figures in light colors, also those outside of the viewport", async () => {
        const page = await browser.newPage();
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
        await page.goto(url);
        await page.waitForSelector("body[data-ready]");
        await page.evaluate("dispatchEvent(new Event('beforeprint'))");
        const drawn = "document.querySelectorAll('.plot[id] .scatterlayer').length";
        await page.waitForFunction(`${drawn} === 8`, { timeout: 20_000 });
        assertEquals(
          await page.evaluate(`getComputedStyle(document.querySelector(".xtick text")).fill`),
          "rgb(28, 32, 36)",
        );
        await page.close();
      });
      await t.step(
        "has no toolbar in figures: a figure is one tab stop, and nothing is sent to a cloud",
        async () => {
          const { page } = await openReport(browser, url);
          assertEquals(await page.$$eval(".modebar-btn, .plotlyjsicon", (found) => found.length), 0);
          const stops = await page.$$eval(
            "figure",
            (figures) =>
              figures.map((figure) =>
                figure.querySelectorAll("a, button:not([tabindex='-1']), [tabindex='0']").length
              ),
          );
          assertEquals(stops, Array(8).fill(1));
          await page.close();
        },
      );
      await t.step("executes and loads nothing from injected content", async () => {
        let reached = 0;
        const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
          reached++;
          return new Response("");
        });
        const { page, deeds } = await openReport(browser, url);
        await page.evaluate((origin) => {
          const globals = globalThis as unknown as {
            document: { body: { insertAdjacentHTML(a: string, b: string): void } };
          };
          globals.document.body.insertAdjacentHTML(
            "beforeend",
            `<img src="${origin}/a.png"><img src="data:," onerror="globalThis.ran = true">` +
              `<link rel="stylesheet" href="${origin}/b.css"><iframe src="${origin}/c.html"></iframe>`,
          );
          return fetch(`${origin}/d`).catch(() => {});
        }, `http://127.0.0.1:${server.addr.port}`);
        await new Promise((resolve) => setTimeout(resolve, 300));
        assertEquals(reached, 0);
        assertEquals(await page.evaluate("globalThis.ran"), undefined);
        assert(deeds.complaints.some((text) => text.includes("Content Security Policy")));
        await page.close();
        await server.shutdown();
      });
      await t.step(
        "follows changes of the color scheme while it is open, also in figures",
        async () => {
          const { page } = await openReport(browser, url);
          const colors = async (scheme: string): Promise<string[]> => {
            await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
            await new Promise((resolve) => setTimeout(resolve, 500));
            return await page.evaluate(`[
            getComputedStyle(document.body).backgroundColor,
            getComputedStyle(document.querySelector(".xtick text")).fill,
          ]`) as string[];
          };
          assertEquals(await colors("light"), ["rgb(255, 255, 255)", "rgb(28, 32, 36)"]);
          assertEquals(await colors("dark"), ["rgb(21, 24, 27)", "rgb(230, 233, 236)"]);
          await page.close();
        },
      );
      await t.step("fits a phone, and wider content scrolls by keyboard", async () => {
        const { page } = await openReport(browser, url);
        await page.setViewport({ width: 390, height: 844 });
        await new Promise((resolve) => setTimeout(resolve, 500));
        assertLessOrEqual(await page.evaluate("document.documentElement.scrollWidth") as number, 390);
        const widths = await page.$$eval(
          ".plot .main-svg",
          (found) => found.map((svg) => svg.getBoundingClientRect().width),
        );
        for (const width of widths) assertLessOrEqual(width, 390);
        const heights = await page.$$eval(
          ".plot .main-svg",
          (found) => found.map((svg) => svg.getBoundingClientRect().height),
        );
        assertEquals(new Set(heights), new Set([320])); // not less than before the page got narrow
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(`[
          document.activeElement !== document.body,
          getComputedStyle(document.activeElement).outlineStyle,
        ]`);
        assertEquals(focused, [true, "solid"]);
        await page.close();
      });
      await t.step("merges the lines of many runs, and separates them when few are selected", async () => {
        const many = Deno.makeTempDirSync();
        for (let seed = 1; seed <= 60; seed++) {
          for (const policy of ["float32", "bf16-autocast"]) {
            const losses = Array.from(
              { length: 50 },
              (_, i) => 3 + 1 / (i + seed) + (policy === "float32" ? 0 : 0.01),
            );
            writeSyntheticRun(many, {
              losses,
              evals: [{ step: 50, loss: losses[49]! }],
              spec: { seed, policy },
            });
          }
        }
        const html = await renderReport({ title: "many", runs: readRuns(many), reproduce: [] });
        Deno.writeTextFileSync(join(many, "report.html"), html);
        const { page, deeds } = await openReport(browser, pathToFileURL(join(many, "report.html")).href);
        const lines = () =>
          page.evaluate(`(() => {
          const { data } = document.getElementById("figure-1");
          return [data.filter(({ mode }) => mode === "lines").length, data[0].x.filter((x) => x !== null).length];
        })()`);
        assertEquals(await lines(), [2, 60 * 50]);
        // The values of merged lines can be read: by the pointer, and with the arrow keys.
        const readout = () =>
          page.$eval("#figure-1 ~ .readout", (element) => ({
            text: element.textContent ?? "",
            isScrolled: element.scrollHeight > element.clientHeight,
          }));
        const target = await page.evaluate(`(() => {
          const plot = document.getElementById("figure-1");
          plot.scrollIntoView({ block: "center" });
          const { xaxis, yaxis } = plot._fullLayout, { left, top } = plot.getBoundingClientRect();
          return {
            x: left + xaxis._offset + xaxis.d2p(1),
            y: top + yaxis._offset + yaxis.d2p(4), // seed 1 in float32 at step 1
          };
        })()`) as { x: number; y: number };
        await page.mouse.move(target.x + 1, target.y + 1);
        await page.waitForFunction("document.querySelector('#figure-1 ~ .readout').textContent !== ''");
        const { text, isScrolled } = await readout();
        assertMatch(text, /^step 1: float32, seed 1 4, bf16-autocast, seed 1 4\.01; others: /);
        assertEquals(text.split("seed ").length - 1, 120);
        assertStringIncludes(text, "float32, seed 60 3.01667");
        assertEquals(isScrolled, true);
        assertEquals(await page.$$eval("table[data-of=runs] tr.pair", (found) => found.length), 2);
        await page.mouse.move(5, 5);
        assertEquals(await page.$$eval("tr.pair", (found) => found.length), 0);
        await page.focus("#figure-1");
        await page.keyboard.press("ArrowDown");
        assertMatch((await readout()).text, /^step 50: float32, seed 1.* 3\.\d+, .*; others: /);
        assertEquals((await readout()).text.split("seed ").length - 1, 120);
        await page.evaluate("document.activeElement.blur()");
        await page.evaluate(`(() => {
          const select = document.querySelector("#filters [data-axis=seed] select");
          for (const option of select.options) option.selected = option.value === "7";
          select.dispatchEvent(new Event("change", { bubbles: true }));
        })()`);
        await page.evaluate("document.getElementById('figure-1').scrollIntoView()");
        await page.waitForFunction("document.getElementById('figure-1').data[0].x.length === 50");
        assertEquals(await lines(), [2, 50]);
        assertEquals(deeds.complaints, []);
        await page.close();
        Deno.removeSync(many, { recursive: true });
      });
      await t.step("shows its tables without JavaScript", async () => {
        const page = await browser.newPage();
        await page.setJavaScriptEnabled(false);
        await page.goto(url);
        assertStringIncludes(
          await page.$eval("noscript", (element) => element.textContent ?? ""),
          "JavaScript",
        );
        assertEquals(await page.$$eval("tbody tr", (rows) => rows.length > 12), true);
        await page.close();
      });
    } finally {
      await browser.close();
      Deno.removeSync(dir, { recursive: true });
    }
  },
});
