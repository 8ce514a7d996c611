/**
 * Draws the README's figure from the recorded result of `seq_amp_vocab.ts`. Run with
 * `deno run -A experiments/draw_results.ts`.
 *
 * @module
 */
import type { Grid } from "../lib/analysis/mod.ts";
import { figureSvg, gridFigures } from "../lib/figure/mod.ts";

const RESULT = new URL("./results/seq_amp_vocab.json", import.meta.url);
/** File of the figure. */
export const FIGURE: URL = new URL("./results/seq_amp_vocab.svg", import.meta.url);

/** Returns the figure as SVG. */
export async function drawResult(): Promise<string> {
  const { grids }: { grids: Grid[] } = JSON.parse(await Deno.readTextFile(RESULT));
  const [gap] = gridFigures(grids[0]!);
  return `${figureSvg(gap!, { width: 760, height: 340 })}\n`;
}

if (import.meta.main) await Deno.writeTextFile(FIGURE, await drawResult());
