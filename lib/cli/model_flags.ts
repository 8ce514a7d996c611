/**
 * Flags of commands that open a trained model.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import type { WhichWeights } from "../study/mod.ts";

/** Describes the argument `<model>`. */
export const MODEL_HELP = "a run's folder, or a Hugging Face folder of a GPT-2 or LLaMA";

/** Describes `--data` of commands that open a run. */
export const RUN_DATA_HELP =
  "path of the run's text, if it has moved; repeatable (default: the recorded path or, if the text is not there, a file of the same name beside plan.json)";

/** Describes `--weights`. */
export const WEIGHTS_HELP =
  "weights of a run. last: the last checkpoint; best: the best evaluation, if the run was trained with --save-best";

/** Describes `--run-recorded-code` of commands that use a recorded run. */
export const RECORDED_CODE_HELP =
  "run the user-written modules stored in the folder (architecture, loss, optimizer, schedule); only for folders that you trust";

/** Parses the option `--weights`. */
export function whichWeights(text: string): WhichWeights {
  if (text === "last" || text === "best") return text;
  throw new InvalidArgumentError("Expected last or best.");
}
