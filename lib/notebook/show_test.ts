import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { table } from "arquero";
import { curveFigure } from "../figure/mod.ts";
import { shortText } from "./_short_text.ts";
import { help } from "./help.ts";
import { livePlot, type LossEvent } from "./live_plot.ts";
import { show } from "./show.ts";
import { stopSignal } from "./stop.ts";

interface Sent {
  type: string;
  content: { data: Record<string, unknown>; transient: { display_id?: string } };
}

/** Returns the messages that a function sends to a front end. */
async function sentBy(body: () => Promise<void>): Promise<Sent[]> {
  const sent: Sent[] = [];
  const deno = Deno as unknown as { jupyter: unknown };
  deno.jupyter = {
    broadcast: (type: string, content: Sent["content"]) => {
      sent.push({ type, content });
      return Promise.resolve();
    },
  };
  try {
    await body();
  } finally {
    deno.jupyter = undefined;
  }
  return sent;
}

/** Returns the lines that a function prints. */
async function printedBy(body: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: unknown) => lines.push(String(line));
  try {
    await body();
  } finally {
    console.log = log;
  }
  return lines;
}

const figure = curveFigure({ title: "A & B", x: "step" }, [
  { name: "loss", points: [{ x: 1, y: 1 / 3 }, { x: 2, y: NaN }, { x: 3, y: 0.25 }] },
]);

Deno.test("show() sends a figure as Plotly JSON with rounded numbers, as SVG, and as text", async () => {
  const [sent] = await sentBy(() => show(figure));
  const { data, transient } = sent!.content;
  assertEquals([sent!.type, transient, Object.keys(data)], [
    "display_data",
    {},
    ["application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"],
  ]);
  const plotly = data["application/vnd.plotly.v1+json"] as { data: { y: unknown }[]; config: unknown };
  assertEquals(plotly.data[0]!.y, [0.33333, null, 0.25]);
  assertEquals(plotly.config, { displaylogo: false, showSendToCloud: false });
  assertMatch(data["image/svg+xml"] as string, /^<svg [^]*A &amp; B[^]*<\/svg>$/);
  assertEquals(data["text/plain"], "[figure: A & B]\n  loss: 2 points, first 0.3333, last 0.2500");
  assertEquals((await sentBy(() => show([figure, figure]))).length, 2);
});

Deno.test("show() shows rows and Arquero tables as HTML and text", async () => {
  const rows = [{ name: "<é>", loss: 0.12345, none: null }, { name: "b", loss: NaN, none: null }];
  const sent = await sentBy(async () => {
    await show(rows);
    await show(table({ name: ["<é>", "b"], loss: [0.12345, NaN], none: [null, null] }));
    await show([{ a: 1 }, { b: 2 }]);
    await show(Array.from({ length: 80 }, (_, i) => ({ i })));
  });
  const [first, second, ragged, long] = sent.map(({ content }) => content.data as Record<string, string>);
  assertEquals(first, second);
  assertStringIncludes(first!["text/html"]!, '<td>&lt;é&gt;</td><td align="right">0.1235</td><td>–</td>');
  assertEquals(first!["text/plain"]!.split("\n"), [
    "name    loss",
    "<é>   0.1235",
    "b        NaN",
    "in every row: none none",
  ]);
  assertStringIncludes(ragged!["text/html"]!, '<td align="right">1</td><td align="right">–</td>');
  assertMatch(long!["text/plain"]!, /49\n… and 30 more rows$/);
});

Deno.test("show() shows a comparison: its sentence, table and figures", async () => {
  const comparison = { sentence: "stable", table: () => table({ gap: [0.1] }), figures: () => [figure] };
  let lines: string[] = [];
  const sent = await sentBy(async () => {
    lines = await printedBy(() => show(comparison));
  });
  assertEquals(lines, ["stable"]);
  assertEquals(sent.map(({ content }) => Object.keys(content.data)[0]), [
    "text/html",
    "application/vnd.plotly.v1+json",
  ]);
});

Deno.test("show() rejects values of other kinds", async () => {
  const wrong: [value: unknown, kind: string][] = [
    [7, "7"],
    [null, "null"],
    [[figure, 1], "a list with 1"],
    [new Date(), "Date"],
  ];
  for (const [value, kind] of wrong) {
    const error = await assertRejects(() => show(value as never), TypeError);
    assertEquals(
      error.message,
      `Cannot show the value: expected a figure, a table, rows, runs, a comparison or training, got ${kind}.`,
    );
  }
});

/** Yields events of a loop with 2 ms per step. */
async function* events(steps: number): AsyncGenerator<LossEvent> {
  yield { event: "eval", step: 0, loss: 4 };
  for (let step = 1; step <= steps; step++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    yield { event: "step", step, loss: 4 / step };
  }
  yield { event: "checkpoint", step: steps };
}

Deno.test("livePlot() updates one display as SVG, ends with Plotly, and yields every event", async () => {
  const passed: LossEvent[] = [];
  const sent = await sentBy(async () => {
    for await (const event of livePlot(events(20), { title: "T", every: 10 })) passed.push(event);
  });
  assertEquals(passed.length, 22);
  assertGreater(sent.length, 2);
  assertEquals(sent.map(({ type }) => type), [
    "display_data",
    ...sent.slice(1).map(() => "update_display_data"),
  ]);
  assertEquals(new Set(sent.map(({ content }) => content.transient.display_id)).size, 1);
  for (const { content } of sent.slice(0, -1)) {
    assertEquals(Object.keys(content.data), ["image/svg+xml", "text/plain"]);
  }
  const plotly = sent.at(-1)!.content.data["application/vnd.plotly.v1+json"] as { data: { x: number[] }[] };
  assertEquals(plotly.data.map(({ x }) => x.at(-1)), [20, 0]);
  // growing: each drawing has at least the points of the one before
  const counts = sent.map(({ content }) =>
    Number(/training: (\d+)/.exec(String(content.data["text/plain"]))?.[1])
  );
  assertEquals(counts, counts.toSorted((a, b) => a - b));
});

Deno.test("livePlot() accepts a trainer's steps, and draws the last steps of a loop that throws", async () => {
  function* steps(): Generator<LossEvent> {
    yield { step: 1, loss: 2 };
    throw new Error("out of tokens");
  }
  const sent = await sentBy(async () => {
    await assertRejects(() => Array.fromAsync(livePlot(steps())), Error, "out of tokens");
  });
  assertEquals(sent.at(-1)!.content.data["text/plain"], "[figure: Loss]\n  training: 1 point: 2");
});

/** A program with a front end and a loop without end, which Stop ends. */
const STOPPED = `
import { livePlot } from "${new URL("live_plot.ts", import.meta.url)}";
let last = "";
Deno.jupyter = { broadcast: (_, { data }) => void (last = Object.keys(data)[0]) };
async function* events() {
  for (let step = 1;; step++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    yield { step, loss: 1 };
  }
}
let steps = 0;
for await (const _ of livePlot(events())) if (++steps === 5) Deno.kill(Deno.pid, "SIGINT");
console.log(steps < 1000, last);
Deno.exit(0);
`;

Deno.test("livePlot() ends its loop at SIGINT (Stop), and draws the losses so far", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--ext=js", "-"],
    cwd: new URL(".", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([STOPPED]).stream().pipeTo(child.stdin);
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "true application/vnd.plotly.v1+json\n");
});

Deno.test("outside of a notebook, figures, tables and plots are text, and stopSignal() never aborts", async () => {
  const lines = await printedBy(async () => {
    await show(figure);
    await show([{ a: 1 }]);
    await show(events(2), { every: 0 });
  });
  assertEquals(lines, [
    "[figure: A & B]\n  loss: 2 points, first 0.3333, last 0.2500",
    "a\n1",
    "[figure: Loss]\n  training: 2 points, first 4, last 2\n  validation: 1 point: 4",
  ]);
  assertEquals(stopSignal().aborted, false);
});

Deno.test("help() prints signature and documentation, of the root module and of subpaths", async () => {
  const [sweep, options, field, heatMap, all] = await printedBy(async () => {
    await help("sweep");
    await help("TrainerOptions");
    await help("Trainer.step");
    await help("heatMapFigure");
    await help();
  });
  assertMatch(options!, /\n {2}overrides: .*\(default: none\)\n/);
  assertMatch(sweep!, /^async function sweep\(spec: SweepSpecInput, options: SweepCallOptions\)/);
  assertMatch(sweep!, /@param spec\n[^]*@throws/);
  assertMatch(
    options!,
    /\n {2}labelSmoothing: label smoothing epsilon of the training loss; 0 disables it \(default: 0\)\n/,
  );
  assertMatch(options!, /steps\?: number/);
  assert(!options!.includes("\n  steps: "), options);
  assertMatch(field!, /^function step\(batch: TrainingBatch/);
  assertMatch(heatMap!, /^function heatMapFigure\(/);
  assertMatch(all!, /^createTrainer +Creates a trainer\.$/m);
  for (const text of [sweep!, field!, heatMap!, all!]) assert(!/file:\/\/|@linkcode/.test(text), text);
  const error = await assertRejects(() => help("swep"), Error);
  assertStringIncludes(error.message, "expected a name of the library (did you mean sweep?).");
});

Deno.test("shortText() keeps short values and truncates long ones", () => {
  assertEquals(shortText({ a: [1, 2] }), "{ a: [ 1, 2 ] }");
  const nested = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`key${i}`, { values: Array(50).fill(i) }]),
  );
  assertMatch(shortText(nested), /^\{\n {2}key0: \[Object\],/);
  const long = shortText("x".repeat(5000));
  assertEquals([long.length, long.endsWith("x …")], [802, true]);
});

Deno.test("help() searches every subpath of the package", async () => {
  const source = await Deno.readTextFile(new URL("help.ts", import.meta.url));
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const folders = Object.values<string>(exports).flatMap((path) =>
    /^\.\/lib\/(\w+)\/mod\.ts$/.exec(path)?.[1] ?? []
  );
  const list = /const SUBPATHS = \[([^;]*)\];/.exec(source)![1]!;
  assertEquals([...list.matchAll(/"(\w+)"/g)].map(([, name]) => name).sort(), folders.sort());
});
