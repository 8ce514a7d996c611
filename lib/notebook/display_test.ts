import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { table } from "arquero";
import { curveFigure } from "../figure/mod.ts";
import { settle, showFigure, showTable } from "./display.ts";
import { stopSignal } from "./stop.ts";

interface Sent {
  type: string;
  content: { data: Record<string, unknown>; transient: { display_id?: string } };
}

/** What is sent to a front end meanwhile. */
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

const figure = curveFigure({ title: "A & B", x: "step" }, [
  { name: "loss", points: [{ x: 1, y: 1 / 3 }, { x: 2, y: NaN }, { x: 3, y: 0.25 }] },
]);

Deno.test("showFigure() sends Plotly's JSON with rounded numbers, SVG, and words", async () => {
  const [sent] = await sentBy(() => showFigure(figure));
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
  assertEquals(data["text/plain"], "[figure: A & B]\n  loss: 2 points, from 0.3333 to 0.2500");
});

Deno.test("showFigure() of an id takes the place of the figure before", async () => {
  const sent = await sentBy(async () => {
    await showFigure(figure, { id: "one" });
    await showFigure(figure, { id: "one" });
    await showFigure(figure, { id: "two" });
  });
  assertEquals(sent.map(({ type, content }) => [type, content.transient.display_id]), [
    ["display_data", "one"],
    ["update_display_data", "one"],
    ["display_data", "two"],
  ]);
});

Deno.test("showTable() shows rows and Arquero's tables alike, as HTML and as text", async () => {
  const rows = [{ name: "<é>", loss: 0.12345, none: null }, { name: "b", loss: NaN, none: null }];
  const sent = await sentBy(async () => {
    await showTable(rows);
    await showTable(table({ name: ["<é>", "b"], loss: [0.12345, NaN], none: [null, null] }));
    await showTable([]);
    await showTable([{ a: 1 }, { b: 2 }]);
    await showTable(Array.from({ length: 80 }, (_, i) => ({ i })));
  });
  const [first, second, empty, ragged, long] = sent.map(({ content }) =>
    content.data as Record<string, string>
  );
  assertEquals(first, second);
  assertStringIncludes(first!["text/html"]!, '<td>&lt;é&gt;</td><td align="right">0.1235</td><td>–</td>');
  assertEquals(first!["text/plain"]!.split("\n"), [
    "name    loss",
    "<é>   0.1235",
    "b        NaN",
    "in every row: none –",
  ]);
  assertStringIncludes(empty!["text/html"]!, "<table>");
  assertStringIncludes(ragged!["text/html"]!, '<td align="right">1</td><td align="right">–</td>');
  assertMatch(long!["text/plain"]!, /49\n… and 30 more rows$/);
});

Deno.test("outside of a notebook figures and tables are text, nothing is waited for, and nothing stops", async () => {
  const lines: unknown[] = [];
  const log = console.log;
  console.log = (line: unknown) => lines.push(line);
  try {
    await showFigure(figure);
    await showTable([{ a: 1 }]);
    const begin = performance.now();
    await settle();
    assert(performance.now() - begin < 200);
  } finally {
    console.log = log;
  }
  assertEquals(lines, ["[figure: A & B]\n  loss: 2 points, from 0.3333 to 0.2500", "a\n1"]);
  assertEquals(stopSignal().aborted, false);
});
