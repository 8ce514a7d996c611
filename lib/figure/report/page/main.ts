/**
 * The report's script. It draws figures when they come into view, filters figures and tables by axis, highlights pairs,
 * sorts tables, and updates a served page while its sweep runs.
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
    // Some browsers do not allow a page opened from a file to change its address.
  }
  refilterPlots();
}

function start(): void {
  startPlots();
  restoreFilters();
  const form = document.getElementById("filters");
  form?.addEventListener("change", applyFilters);
  // The reset event fires before the inputs change.
  form?.addEventListener("reset", () => setTimeout(applyFilters));
  for (const button of all("thead button")) button.addEventListener("click", () => sortBy(button));
  if (choices().size > 0) applyFilters();
}

start();
watchAppearance();
follow({ before: purgePlots, after: start });
