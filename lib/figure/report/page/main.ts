/**
 * The report's script. It draws figures when they come into view, filters figures and tables by axis, highlights pairs,
 * sorts tables, and follows a running sweep where the page is served.
 *
 * `deno task build:page` bundles it into `_page_script.ts`; a test compares the two.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all } from "./dom.ts";
import { addressOfChoices, choices, filterRows, restoreFilters } from "./filters.ts";
import { follow } from "./live.ts";
import { purgePlots, refilterPlots, startPlots, watchAppearance } from "./plots.ts";
import { sortBy } from "./sort_table.ts";

function applyFilters(): void {
  filterRows(choices());
  const hash = addressOfChoices();
  try {
    history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
  } catch {
    // Some browsers refuse to change the address of a page that was opened from a file.
  }
  refilterPlots();
}

function start(): void {
  startPlots();
  restoreFilters();
  const form = document.getElementById("filters");
  form?.addEventListener("change", applyFilters);
  // The inputs have their old values until the event has been handled.
  form?.addEventListener("reset", () => setTimeout(applyFilters));
  for (const button of all("thead button")) button.addEventListener("click", () => sortBy(button));
  if (choices().size > 0) applyFilters();
}

start();
watchAppearance();
follow({ before: purgePlots, after: start });
