import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { embedded } from "../../../tests/support/embedded.ts";
import { join } from "node:path";
import { noisyRun, recordRuns as record, type SyntheticRun } from "../../../tests/support/synthetic_runs.ts";
import { PLOTLY_VERSION, plotlySource } from "./plotly_source.ts";
import { renderReport } from "./report.ts";

const PAIR: SyntheticRun[] = [
  { losses: [3, 2], evals: [{ step: 2, loss: 2 }] },
  { losses: [3, 2.5], evals: [{ step: 2, loss: 2.5 }], spec: { policy: "bf16-autocast" } },
];

/** Returns the page without its scripts. */
function withoutScripts(html: string): string {
  return html.replaceAll(/<script>[^]*?<\/script>/g, "");
}

Deno.test("plotlySource() minifies plotly.js-dist once, and returns nothing that ends a script element", async () => {
  const before = Deno.env.get("LOSSKIT_CACHE"), cache = Deno.makeTempDirSync();
  Deno.env.set("LOSSKIT_CACHE", cache);
  try {
    const source = await plotlySource();
    assertStringIncludes(source.slice(0, 200), `plotly.js v${PLOTLY_VERSION}`);
    assert(source.length > 3e6 && source.length < 5e6, `${source.length}`);
    assert(!/<\/script|<!--|<script/i.test(source));
    const [folder] = [...Deno.readDirSync(cache)].filter(({ isDirectory }) => isDirectory);
    const file = join(cache, folder!.name, "plotly.min.js");
    const { ino } = Deno.statSync(file);
    assertEquals(await plotlySource(), source);
    assertEquals(Deno.statSync(file).ino, ino);
  } finally {
    before === undefined ? Deno.env.delete("LOSSKIT_CACHE") : Deno.env.set("LOSSKIT_CACHE", before);
    Deno.removeSync(cache, { recursive: true });
  }
});

Deno.test("renderReport() contains verdicts, tables, the environment and commands to reproduce", async () => {
  const html = withoutScripts(
    await renderReport({
      title: "small",
      runs: record(PAIR),
      tolerance: 0.25,
      reproduce: ["deno task sweep", "a & b"],
    }),
  );
  for (
    const text of [
      "<title>small · losskit</title>",
      "bf16-autocast changes the final validation loss by +0.50000 nats",
      '<th scope="col" class="number" data-column="valGap" aria-sort="none"><button type="button">val gap</button></th>',
      "undecided: ",
      '<fieldset data-axis="precision">',
      '<td class="number">+0.50000</td>',
      "±0.25 nats",
      "Synthetic CPU",
      "deno task sweep\na &amp; b",
      "<noscript>",
    ]
  ) assertStringIncludes(html, text);
});

Deno.test("renderReport() loads nothing, and allows only its own scripts by checksum", async () => {
  const html = await renderReport({ title: "small", runs: record(PAIR), reproduce: [] });
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)![1]!;
  assertStringIncludes(policy, "default-src 'none'");
  const [script] = [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, text]) => text!);
  const scripts = [embedded(html, "plotly"), script!];
  const hashes = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  assertStringIncludes(policy, `script-src ${hashes.join(" ")};`);
  assert(html.indexOf("Content-Security-Policy") < html.indexOf("<script"));
  assert(!/\s(src|href|srcset|action)\s*=/.test(withoutScripts(html)));
});

Deno.test("renderReport() escapes the contents of runs", async () => {
  const hostile = `</script></style><img src=x onerror="alert('1')">`;
  const runs = record([
    { losses: [3], spec: { data: hostile, tokenizer: hostile, policy: hostile }, end: { fail: hostile } },
    { losses: [3], spec: { data: hostile, tokenizer: hostile }, environment: { cpuModel: hostile } },
  ]);
  const html = await renderReport({ title: hostile, runs, reproduce: [hostile] });
  assertEquals(html.match(/<img/g), null);
  assertEquals(html.match(/<\/script>/g)?.length, 3); // the data, Plotly and the page's script
  assertEquals(html.match(/<\/style>/g)?.length, 1);
  assert(JSON.parse(embedded(html, "data")).figures.length > 0);
  assertStringIncludes(html, "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;");
});

Deno.test("renderReport() lists each environment once, with its runs", async () => {
  const same = withoutScripts(await renderReport({ title: "one", runs: record(PAIR), reproduce: [] }));
  assertEquals(same.match(/<h2>Environment/g)?.length, 1);
  const other = { ...PAIR[1]!, environment: { cpuModel: "Another CPU" } };
  const two = withoutScripts(
    await renderReport({ title: "two", runs: record([PAIR[0]!, other]), reproduce: [] }),
  );
  assertStringIncludes(two, "<h2>Environment 1 of 2</h2>");
  assertStringIncludes(two, "<h2>Environment 2 of 2</h2>");
  assertStringIncludes(two, "Another CPU");
});

Deno.test("renderReport() of 2,000 runs is smaller than 4.8 MB, and embeds the rows of long tables compressed", async () => {
  const runs = record(Array.from({ length: 2000 }, (_, i) => {
    const [policy, lr] = [["float32", "bf16-autocast"][i % 2]!, [1e-3, 3e-3][(i >> 1) % 2]!];
    return noisyRun({ policy, lr, seed: i >> 2 }, 60);
  }));
  const html = await renderReport({ title: "many", runs, reproduce: [] });
  assert(html.length < 4_800_000, `${html.length}`);
  const rows = [...html.matchAll(/<script type="text\/plain" class="rows">([^<]*)<\/script>/g)]
    .map(([, text]) => gunzipSync(Buffer.from(text!, "base64")).toString());
  assertEquals(rows.map((text) => text.match(/<tr /g)?.length), [1000 - 300, 2000 - 300]);
  assertEquals(html.match(/<tr data-run/g)?.length, 2 * 300);
  assertStringIncludes(html, "Without it, the tables below have their first 300 rows.");
});

Deno.test("renderReport() is deterministic, and has no figures without pairs", async () => {
  const runs = record(PAIR);
  const content = { title: "small", runs, reproduce: [] };
  assertEquals(await renderReport(content) === await renderReport(structuredClone(content)), true);
  const html = withoutScripts(await renderReport({ title: "none", runs: [], reproduce: [] }));
  assertStringIncludes(html, "No run has started.");
  assert(!html.includes("<figure>"));
});
