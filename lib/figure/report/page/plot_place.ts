/**
 * Attributes of the elements that figures are drawn in, for the served page and for figures that its script adds.
 *
 * @module
 */

/** Parts of a figure that its description uses. */
interface Described {
  readonly title: string;
  readonly data: readonly { readonly type?: unknown; readonly mode?: unknown; readonly y?: unknown }[];
}

/** Returns the attributes of a figure's element. The label describes the figure and its keys for screen readers. */
export function plotAttributes(id: string, figure: Described): Record<string, string> {
  return {
    class: "plot",
    id,
    tabindex: "0",
    role: "application",
    "aria-roledescription": "chart",
    "aria-label": `${figure.title}. ${describe(figure)} Arrow keys read its values. ` +
      "Keys s, p and c save it as SVG, PNG and CSV.",
  };
}

/** Describes a figure in one sentence: number of curves or series, and range of values. */
function describe({ data }: Described): string {
  const lines = data.filter(({ mode }) => mode === "lines").length;
  const [low, high] = data.flatMap(({ y }) => (y ?? []) as (number | null)[])
    .reduce<[number, number]>(
      ([low, high], y) =>
        y === null || !Number.isFinite(y) ? [low, high] : [Math.min(low, y), Math.max(high, y)],
      [Infinity, -Infinity],
    );
  const what = data.some(({ type }) => type === "heatmap")
    ? "Heat map"
    : lines > 0
    ? `${lines} ${lines === 1 ? "curve" : "curves"}`
    : `${data.length} series`;
  return low > high ? `${what}.` : `${what}, values from ${low.toPrecision(4)} to ${high.toPrecision(4)}.`;
}
