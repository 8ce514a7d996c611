/**
 * Plotly options, and colors for light mode, dark mode and print.
 *
 * @module
 */
/// <reference lib="dom" />
import type { Layout } from "./types.ts";

/** Plotly configuration: no uploads, no buttons without a use on this page. */
export const CONFIG: object = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

/** Returns a layout with the page's colors, and with a smaller height if the figure is part of a grid. */
export function colored(layout: Layout, { compact, dark }: { compact: boolean; dark: boolean }): object {
  const [ink, grid, paper] = dark ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
  const axis = { gridcolor: grid, linecolor: grid };
  return {
    ...layout,
    ...(compact ? { height: 300, margin: { ...layout.margin, t: 28 } } : {}),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    xaxis: { ...layout.xaxis, ...axis },
    yaxis: { ...layout.yaxis, ...axis },
    hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: dark ? "#8b949e" : "#6e7781", activecolor: ink },
  };
}
