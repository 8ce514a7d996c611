/**
 * Runs that match the filters and are not hidden: IDs, table rows, and the count.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all } from "./dom.ts";
import { choices, fits } from "./filters.ts";
import { listHidden } from "./hidden_runs.ts";
import { state } from "./state.ts";

let shown: ReadonlySet<string> = new Set();

/** Returns true if a run is shown. Also returns true for undefined, because traces without a run are always shown. */
export function isShown(run: string | undefined): boolean {
  return run === undefined || shown.has(run);
}

/** Updates the set of shown runs, the visible table rows, the displayed count, and the list of hidden runs. */
export function selectRuns(): void {
  const chosen = choices(), runs = Object.entries(state.data.runs);
  shown = new Set(
    runs.filter(([id, { facets }]) => !state.hidden.has(id) && fits(facets, chosen)).map(([id]) => id),
  );
  for (const row of all<HTMLTableRowElement>("tr[data-run]")) {
    const id = row.dataset["run"]!, isHidden = !shown.has(id);
    if (row.hidden !== isHidden) row.hidden = isHidden;
  }
  const output = document.querySelector("#filters output");
  const hidden = state.hidden.size === 0 ? "" : `, ${state.hidden.size} hidden`;
  if (output !== null) output.textContent = `${shown.size} of ${runs.length} runs shown${hidden}`;
  listHidden();
  const isPart = shown.size < runs.length;
  document.body.classList.toggle("part", isPart);
  const scope = document.getElementById("scope");
  if (scope !== null) scope.hidden = !isPart;
}
