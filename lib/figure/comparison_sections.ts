/**
 * What a report says of twins: verdicts, gaps beside seed noise, effects over grids, culprits.
 *
 * @module
 */
import {
  type CulpritFinding,
  gapGrids,
  gridSentences,
  settleTwins,
  type Table,
  verdictOf,
  verdictTable,
} from "../analysis/mod.ts";
import type { RecordedRun } from "../record/mod.ts";
import { culpritFigure, gapBandFigure, gridFigures } from "./comparison_figures.ts";
import type { Figure } from "./figures.ts";

/** A section of figures. */
export interface DrawnSection {
  /** Its heading. */
  readonly heading: string;
  /** What its figures show. */
  readonly note: string;
  /** What they come to, above them; default: nothing is said. */
  readonly sentences?: readonly string[];
  /** The figures. */
  readonly figures: readonly Figure[];
}

/** The verdicts of a report. */
export interface Verdicts {
  /** What they are. */
  readonly note: string;
  /** One for each setting and lower precision. */
  readonly sentences: readonly string[];
  /** The same as a table. */
  readonly table: Table;
}

/** The sections of all twins among runs. `verdicts` is undefined where there are none. */
export function comparisonSections(
  runs: readonly RecordedRun[],
  culprits: readonly CulpritFinding[],
): { verdicts: Verdicts | undefined; sections: DrawnSection[] } {
  const settled = settleTwins(runs);
  if (settled.length === 0) return { verdicts: undefined, sections: [] };
  const several = settled.filter(({ comparison }) => comparison.gaps.validation.n > 1);
  const grids = gapGrids(runs);
  return {
    verdicts: {
      note:
        "Of the final validation loss, lower precision minus float32, over seeds with the same initial weights " +
        "and batches; 95 % t intervals of paired seeds, tolerance 0.01 nats. Where precision has no effect, 5 in 100 " +
        "such verdicts say degraded or improved. Seed noise: how far two seeds of float32 lie apart.",
      sentences: settled.map(({ setting, comparison }) => `${setting}: ${verdictOf(comparison).sentence}`),
      table: verdictTable(settled),
    },
    sections: [
      {
        heading: "Does the gap grow?",
        note:
          "Over sequence length T and vocabulary V, means over paired seeds with an interval each. Where the " +
          "interval of an effect holds 0, it cannot be told from none.",
        sentences: grids.flatMap(gridSentences),
        figures: grids.flatMap(gridFigures),
      },
      {
        heading: "Culprit",
        note:
          "What each class of operations in each layer makes of it, when it alone is in the lower precision.",
        sentences: culprits.map(({ setting, sentence }) => `${setting}: ${sentence}`),
        figures: culprits.flatMap((found) => culpritFigure(found) ?? []),
      },
      {
        heading: "Gap and seed noise",
        note:
          "Gap of training losses over twentieths of a run, mean over pairs; dotted: what as many pairs of seeds " +
          "alone stay within, with 95 %.",
        figures: several.map(({ setting, comparison }) => gapBandFigure(comparison, setting)),
      },
    ],
  };
}
