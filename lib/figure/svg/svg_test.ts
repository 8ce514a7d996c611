import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { barFigure, curveFigure, heatMapFigure, simplexFigure } from "../build.ts";
import type { Figure } from "../figure.ts";
import { figureSvg } from "./svg.ts";

const line = (count: number, y: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => ({ x: i, y: y(i) }));

/** Returns the error of Python's strict XML parser for a text, or an empty string for well-formed XML. */
async function xmlProblem(text: string): Promise<string> {
  const child = new Deno.Command("python3", {
    args: ["-I", "-c", "import sys, xml.dom.minidom as m; m.parseString(sys.stdin.buffer.read())"],
    stdin: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stderr } = await child.output();
  return new TextDecoder().decode(stderr).trim().split("\n").at(-1)!;
}

/** Returns the coordinates of all path points. */
const numbersOf = (svg: string) =>
  [...svg.matchAll(/ d="([^"]*)"/g)].flatMap(([, d]) => d!.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);

Deno.test("figureSvg() draws all trace types as well-formed XML within its size", async () => {
  const figures: Figure[] = [
    barFigure({ title: "bars", y: "nats" }, { names: ["a", "b"], values: [1, 2], labels: ["1.0", "2.0"] }),
    barFigure({ title: "ticks" }, { names: [0, 1], ticks: ["t", "t"], values: [NaN, 2] }),
    curveFigure({ title: "curves", x: "step", y: "nats" }, [
      { name: "one", points: line(1000, (i) => Math.exp(-i / 99)) },
      {
        name: "band",
        points: line(9, (i) => i / 9),
        band: line(9, (i) => i / 9).map(({ y }) => ({ low: y - 0.1, high: y + 0.1 })),
      },
    ]),
    curveFigure({ title: "log", layout: { yaxis: { type: "log" } } }, [
      { name: "p", points: line(300, (i) => 0.8 ** i), mode: "lines+markers" },
    ]),
    heatMapFigure({ title: "map" }, { values: [[1, 0], [0.5, 0.5]], columns: ["a", "b"], rows: ["a", "b"] }),
    simplexFigure({ title: "simplex" }, ["a", "b", "c"], [{ name: "p", p: [0.2, 0.3, 0.5] }]),
    { title: "empty", data: [], layout: {} },
    {
      title: "none",
      data: [{ type: "scatter", x: [], y: [] }],
      layout: { title: "none", xaxis: { title: "x" } },
    },
    {
      title: "bars of intervals",
      data: [{
        type: "scatter",
        mode: "markers+text",
        x: ["a", "b"],
        y: [1, 2],
        text: ["one", "two"],
        textposition: "top right",
        error_y: { type: "data", array: [0.5, 1] },
        marker: { symbol: ["x-thin-open", "diamond"], size: [4, 9], color: ["#123456", "#abcdef"] },
      }],
      layout: {
        shapes: [
          { type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1, line: { dash: "dot" } },
          {
            type: "rect",
            x0: -0.5,
            x1: 0.5,
            yref: "paper",
            y0: 0,
            y1: 1,
            fillcolor: "#eee",
            line: { width: 0 },
          },
        ],
        annotations: [{ x: "a", y: 2, text: "note" }, {
          xref: "paper",
          x: 0.5,
          yref: "paper",
          y: 1,
          text: "top",
        }],
      },
    },
  ];
  for (const figure of figures) {
    const svg = figureSvg(figure, { width: 500, height: 300 });
    assertEquals(await xmlProblem(svg), "", figure.title);
    assertStringIncludes(svg, 'width="500" height="300" viewBox="0 0 500 300"');
    assertNotMatch(svg, /NaN|undefined|Infinity|null/, figure.title);
    for (const number of numbersOf(svg)) assert(number >= -20 && number <= 520, `${figure.title}: ${number}`);
  }
});

Deno.test("figureSvg() positions values by the axis", () => {
  const figure = curveFigure({ title: "", layout: { xaxis: { range: [0, 10] }, yaxis: { range: [0, 1] } } }, [
    { name: "c", points: [{ x: 0, y: 0 }, { x: 5, y: 0.5 }, { x: 10, y: 1 }] },
  ]);
  const svg = figureSvg(figure, { width: 400, height: 200 });
  const [, d] = /d="(M[^"]*)" fill="none" stroke="#0072B2"/.exec(svg)!;
  const [x0, y0, x1, y1, x2, y2] = d!.match(/[\d.]+/g)!.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  assertEquals([x2, y2], [384, 12]); // the box's upper right corner
  assertEquals(Math.abs((x0 + x2) / 2 - x1) < 0.11 && Math.abs((y0 + y2) / 2 - y1) < 0.11, true);
});

Deno.test("figureSvg() breaks a line at missing values, and thins long curves", () => {
  const figure = curveFigure({ title: "gap" }, [{ name: "c", points: line(20, (i) => i === 9 ? NaN : i) }]);
  const path = /d="(M[^"]*)" fill="none" stroke="#0072B2"/.exec(figureSvg(figure))![1]!;
  assertEquals(path.match(/M/g)!.length, 2);
  const long = curveFigure({ title: "long" }, [{ name: "c", points: line(1e5, Math.sin) }]);
  assert(figureSvg(long).length < 8000);
  assert(JSON.stringify(long).length < 8000);
});

Deno.test("figureSvg() escapes hostile text", async () => {
  const hostile =
    `<script>alert(1)</script>"'&amp;& \u0001 ]]> </text><image href="x" onerror="y"/> é 🐈 \ud800`;
  const figure: Figure = {
    title: hostile,
    data: [
      { type: "bar", name: hostile, x: [hostile], y: [1], text: [hostile], marker: { color: hostile } },
      { type: "scatter", name: hostile, x: [hostile], y: [1], line: { color: hostile } },
    ],
    layout: {
      title: { text: hostile },
      xaxis: { title: { text: hostile } },
      annotations: [{ text: hostile, x: 0, y: 0 }],
    },
  };
  const svg = figureSvg(figure);
  assertEquals(await xmlProblem(svg), "");
  assertNotMatch(svg, /<script|<image|<\/text><image/);
  assertMatch(svg, /&lt;script&gt;/);
});

Deno.test("figureSvg() shortens text that is wider than the figure, and keeps the whole text as a tooltip", async () => {
  const long = `${"W&amp;".repeat(60)}END`;
  const scatter = { type: "scatter", mode: "markers", y: [1, 2], x: [`${long} a`, `${long} b`] };
  const figure: Figure = {
    title: "long",
    data: [{ ...scatter, name: long }, { ...scatter, name: "short" }],
    layout: { title: long, xaxis: { title: long }, yaxis: { title: long } },
  };
  const svg = figureSvg(figure, { width: 300, height: 200 });
  assertEquals(await xmlProblem(svg), "");
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)(<title>[^<]*<\/title>)?<\/text>/g)]
    .filter(([, text]) => text!.includes("W"));
  assertEquals(texts.length, 6); // heading, both axes, two categories, legend
  for (const [, text, title] of texts) {
    assertMatch(text!, /^(W&amp;)+W?…$/);
    assertMatch(title!, /END/);
  }
  assertStringIncludes(svg, ">short</text>");
  // Horizontal bars: names are labels of the vertical axis, and leave room for the drawing.
  const bars = figureSvg({
    title: "bars",
    data: [{ type: "bar", orientation: "h", x: [1], y: [long] }],
    layout: {},
  }, { width: 300, height: 200 });
  assertMatch(bars, />(W&amp;)+W?…<title>/);
  assertMatch(bars, /clipPath id="box-134-/);
});
