// @heavy
/**
 * The documentation site: built, its links checked, and read in Chromium without a network.
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { Page } from "puppeteer-core";
import { parse } from "yaml";
import { UserError } from "../lib/error/user_error.ts";
import { buildSite } from "../site/build.ts";
import { checkLinks } from "../site/generators.ts";
import { notebookPage } from "../site/notebook_page.ts";
import { findChromium, launchChromium } from "./support/chromium.ts";
import { notebookOfSources } from "./support/notebook.ts";
import { serveFolder } from "./support/serve_folder.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Opens a page in a color scheme. Fails if a request leaves the server or is not answered. */
async function open(page: Page, url: string, scheme: "light" | "dark" = "light"): Promise<void> {
  const failures: string[] = [];
  page.removeAllListeners("request").removeAllListeners("response");
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL("/", url).href) && !request.url().startsWith("data:")) {
      failures.push(request.url());
    }
  });
  page.on("response", (response) => {
    if (response.status() >= 400) failures.push(response.url());
  });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(url, { waitUntil: "networkidle0" });
  assertEquals(failures, []);
}

Deno.test("deno task docs builds pages that Chromium reads, searches and follows without a network", async (t) => {
  const folder = await buildSite("/kit/");
  const executable = await findChromium();
  assert(executable !== undefined, "Cannot open the documentation: expected Chromium, got none.");
  await using server = serveFolder(join(folder, ".."));
  const browser = await launchChromium(executable);
  try {
    const page = await browser.newPage();
    const address = (path: string) => `${server.url}kit/${path}`;
    const text = (selector: string) => page.$eval(selector, (element) => element.textContent ?? "");

    await t.step("the first page is the README, with its figure", async () => {
      await open(page, address("index.html"));
      assertEquals((await text("h1")).trim().replace(/\W+$/, ""), "losskit");
      assert(await page.evaluate('document.querySelector("main img").naturalWidth > 100'));
    });

    await t.step("search finds a name of the library, and opens its page", async () => {
      await page.keyboard.press("/");
      await page.waitForSelector(".VPLocalSearchBox input");
      await page.type(".VPLocalSearchBox input", "createTrainer");
      await page.waitForSelector(".VPLocalSearchBox .result");
      await page.keyboard.press("Enter");
      await page.waitForFunction("/api\\/losskit\\/\\w+/.test(location.pathname)");
      await page.waitForFunction('document.querySelector("h1")?.textContent.includes("createTrainer")');
      assertStringIncludes(await text("main"), "The model, which is trained in place.");
    });

    await t.step(
      "a notebook has its formulas, outputs and figures; the dark theme inverts the figures",
      async () => {
        await open(page, address("notebooks/04_cross_entropy.html"), "dark");
        assert(await page.$("math msub") !== null);
        assertMatch(await text(".output"), /TensorFlow 2\.21\.0 on cpu/);
        assert(await page.$(".output table") !== null);
        const figures = '[...document.querySelectorAll(".output img")]';
        assert(
          await page.evaluate(`${figures}.length > 0 && ${figures}.every((image) => image.naturalWidth > 0)`),
        );
        const filter = () => page.evaluate(`getComputedStyle(${figures}[0]).filter`);
        assertMatch(String(await filter()), /invert/);
        await open(page, address("notebooks/04_cross_entropy.html"));
        assertEquals(await filter(), "none");
      },
    );

    await t.step("flags in tables are not broken after their hyphens", async () => {
      await page.setViewport({ width: 390, height: 900 });
      await open(page, address("docs/options.html"));
      const flags = await page.$$eval(
        "td code .word",
        (words) =>
          words.filter(({ textContent }) => textContent.startsWith("--")).map((word) =>
            word.getClientRects().length
          ),
      );
      assert(flags.length > 50, String(flags.length));
      assertEquals(new Set(flags), new Set([1]));
    });

    await t.step("pages are as wide as the window", async () => {
      for (const path of ["index", "docs/options", "experiments/index", "api/losskit/functions/gpt"]) {
        await open(page, address(`${path}.html`));
        for (const width of [390, 800, 1300]) {
          await page.setViewport({ width, height: 900 });
          assert(
            await page.evaluate("document.documentElement.scrollWidth <= innerWidth"),
            `${path} ${width}`,
          );
        }
      }
    });
  } finally {
    await browser.close();
  }
});

Deno.test("checkLinks() fails on a dead link, a dead anchor and a missing image", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "losskit-links-" });
  const page = (body: string) =>
    Deno.writeTextFileSync(join(folder, "index.html"), `<p id="here">${body}</p>`);
  try {
    page('<a href="#here">here</a><a href="https://losskit.invalid/">elsewhere</a>');
    await checkLinks(folder, "/");
    for (const dead of ['<a href="gone.html">', '<a href="#gone">', '<img src="gone.svg">']) {
      page(dead);
      await assertRejects(() => checkLinks(folder, "/"), UserError, "Cannot check the links");
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("notebookPage() fences code that contains fences, and shows each kind of output", () => {
  const notebook = notebookOfSources(["const fence = `\n```\n`;"]);
  notebook.cells[0]!.outputs = [
    { output_type: "stream", name: "stdout", text: ["a\n", "\n", "b\n"] },
    { output_type: "display_data", data: { "text/html": "<table>\n\n<tr><td>{{ x }}</td></tr>\n</table>" } },
    {
      output_type: "display_data",
      data: { "image/svg+xml": '<svg aria-label="Loss &amp; gap"></svg>', "text/plain": "[figure]" },
    },
    { output_type: "execute_result", data: { "text/plain": "42" } },
  ];
  const { markdown, figures } = notebookPage(notebook, "n");
  assertEquals(
    markdown,
    `\`\`\`\`ts
const fence = \`
\`\`\`
\`;
\`\`\`\`

<div class="output">

\`\`\`text
a

b
\`\`\`

<div v-pre><table> <tr><td>{{ x }}</td></tr> </table></div>

<img src="./n-1.svg" alt="Loss &amp; gap">

\`\`\`text
42
\`\`\`

</div>
`,
  );
  assertEquals([...figures.keys()], ["n-1.svg"]);
});

Deno.test("the workflow publishes what deno task docs builds, and the package leaves the site out", () => {
  const workflow = parse(Deno.readTextFileSync(join(ROOT, ".github/workflows/docs.yml")));
  const steps: { run?: string; with?: { path?: string } }[] = workflow.jobs.build.steps;
  assert(steps.some(({ run }) => /task docs --base /.test(run ?? "")));
  assert(steps.some(({ with: options }) => options?.path?.startsWith("site/dist/site/")));
  const read = (path: string) => JSON.parse(Deno.readTextFileSync(join(ROOT, path)));
  const { publish } = read("deno.json"), { imports } = read("import_map.json");
  const generators = read("site/deno.json").imports;
  assert(!publish.include.some((path: string) => path.startsWith("site")));
  assertEquals(
    Object.entries(generators).filter(([name, target]) => name in imports && imports[name] !== target),
    [],
  );
  assertEquals(imports["vitepress"], undefined);
});
