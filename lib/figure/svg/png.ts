/**
 * Renders figures as PNG without a browser. The library resvg draws the SVG of a figure with the bundled font DejaVu
 * Sans, so that images are equal on every machine.
 *
 * @module
 */
import { initWasm, Resvg } from "@resvg/resvg-wasm";
// Importing a small file makes Deno download the package, so that paths in it can be resolved.
import "dejavu-fonts-ttf/package.json" with { type: "json" };
import type { Figure } from "../figure.ts";
import { figureSvg, type SvgOptions } from "./svg.ts";

const FONT = "DejaVu Sans";

let ready: Promise<Uint8Array> | undefined;

/** Initializes resvg and returns the font's bytes. */
async function start(): Promise<Uint8Array> {
  await initWasm(await Deno.readFile(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))));
  return await Deno.readFile(new URL(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")));
}

/**
 * Renders a figure as PNG.
 *
 * @param figure Figure to render.
 * @param options Options of {@linkcode figureSvg}, and `scale`: image pixels per figure pixel. Default: 2.
 * @returns The bytes of a PNG file.
 * @throws {RangeError} For an unknown option, or a `scale` that is not above 0.
 */
export async function figurePng(
  figure: Figure,
  { scale = 2, ...options }: SvgOptions & { scale?: number } = {},
): Promise<Uint8Array> {
  if (!(scale > 0)) throw new RangeError(`Cannot draw a figure: expected a scale above 0, got ${scale}`);
  const font = await (ready ??= start());
  const resvg = new Resvg(figureSvg(figure, options), {
    fitTo: { mode: "zoom", value: scale },
    font: { fontBuffers: [font], defaultFontFamily: FONT, sansSerifFamily: FONT },
  });
  try {
    return resvg.render().asPng();
  } finally {
    resvg.free();
  }
}
