/**
 * Figures as PNG, without a browser: their SVG drawn by resvg, with letters of DejaVu Sans wherever it runs.
 *
 * @module
 */
import { initWasm, Resvg } from "@resvg/resvg-wasm";
// Importing a small file of a package has Deno fetch the package; paths in it can be resolved only then.
import fonts from "dejavu-fonts-ttf/package.json" with { type: "json" };
import type { Figure } from "../figure.ts";
import { figureSvg, type SvgOptions } from "./svg.ts";

const FONT = "DejaVu Sans";

let ready: Promise<Uint8Array> | undefined;

/** Starts resvg, once, and reads the font. */
async function start(): Promise<Uint8Array> {
  await initWasm(await Deno.readFile(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))));
  return await Deno.readFile(new URL(import.meta.resolve(`${fonts.name}/ttf/DejaVuSans.ttf`)));
}

/**
 * Draws a figure.
 *
 * @param figure What to draw.
 * @param options As {@linkcode figureSvg}'s, and `scale`: pixels of the image a pixel of the figure (default 2).
 * @returns The bytes of a PNG file.
 * @throws {RangeError} for a scale that is not above 0.
 */
export async function figurePng(
  figure: Figure,
  { scale = 2, ...options }: SvgOptions & { scale?: number } = {},
): Promise<Uint8Array> {
  if (!(scale > 0)) throw new RangeError(`Cannot draw a figure: scale must be above 0: it is ${scale}`);
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
