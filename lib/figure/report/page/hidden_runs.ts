/**
 * List of the hidden runs, with a button per run that shows the run again.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { groupOf, groupsOf } from "./colors.ts";
import { appendAll, make } from "./dom.ts";
import { runOf, state } from "./state.ts";
import type { PageRun } from "./types.ts";

/** Updates the list. The list is invisible if no run is hidden. */
export function listHidden(): void {
  const place = document.getElementById("hidden");
  if (place === null) return;
  const ids = [...state.hidden], shown = ids.join();
  place.hidden = ids.length === 0;
  // Buttons that stay keep the focus.
  if (place.dataset["runs"] === shown) return;
  place.dataset["runs"] = shown;
  place.replaceChildren("Hidden runs:");
  const buttons = ids.map((id) =>
    make("button", nameOf(id, runOf(id)!), {
      ...{ type: "button", class: "show", title: "show this run again" },
      "data-show": id,
    })
  );
  appendAll(place, buttons);
}

/** Returns the ID of a run with its values on the axes in which runs differ. */
function nameOf(id: string, run: PageRun): string {
  const values = state.data.facets.flatMap(({ key, label }) => {
    const group = groupsOf(key).find((group) => group.key === groupOf(run, key));
    if (group === undefined || group.text === "") return [];
    return [Number.isFinite(Number(group.text)) ? `${label} ${group.text}` : group.text];
  });
  return [id, ...values].join(", ");
}
