import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { curveFigure } from "../build.ts";
import type { PlotlyObject } from "../figure.ts";
import { figurePng } from "./png.ts";

const figure = curveFigure({ title: "Loss", x: "step", y: "nats" }, [
  { name: "float32", points: [{ x: 1, y: 3 }, { x: 2, y: 2 }] },
]);

/** Returns width and height from the header of a PNG. */
function sizeOf(png: Uint8Array): number[] {
  assertEquals(new TextDecoder("latin1").decode(png.subarray(1, 4)), "PNG");
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

Deno.test("figurePng() draws a figure and its text at its size times the scale", async () => {
  assertEquals(sizeOf(await figurePng(figure, { width: 300, height: 200 })), [600, 400]);
  const small = await figurePng(figure, { width: 300, height: 200, scale: 1 });
  assertEquals(sizeOf(small), [300, 200]);
  // A different title gives a different image: text is drawn, so a font was found.
  const title = { ...figure.layout["title"] as PlotlyObject, text: "Lost" };
  const other = await figurePng({ ...figure, layout: { ...figure.layout, title } }, {
    width: 300,
    height: 200,
    scale: 1,
  });
  assertNotEquals(other, small);
});

Deno.test("figurePng() rejects a scale of 0", async () => {
  await assertRejects(() => figurePng(figure, { scale: 0 }), RangeError, "expected a scale above 0, got 0");
});
