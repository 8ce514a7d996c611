/**
 * Flags of commands that open a trained model.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import type { WhichWeights } from "../study/mod.ts";

/** Help text of the argument `<model>`. */
export const MODEL_HELP = "a run's folder, or a Hugging Face folder of a GPT-2 or LLaMA";

/** Help text of `--data` in commands that open a run. */
export const RUN_DATA_HELP =
  "path of the run's text, if the text has moved; repeatable (default: the recorded path. If it is missing, a file of the same name in the folder of plan.json)";

/** Help text of `--weights`. */
export const WEIGHTS_HELP =
  "weights of a run. last: the last checkpoint; best: the best evaluation, if the run was trained with --save-best";

/** Help text of `--run-recorded-code` in commands that use a recorded run. */
export const RECORDED_CODE_HELP =
  "run the user-written modules stored in the folder (architecture, loss, optimizer, schedule); only for folders that you trust";

/** Parses the option `--weights`. */
export function whichWeights(text: string): WhichWeights {
  if (text === "last" || text === "best") return text;
  throw new InvalidArgumentError("Expected last or best.");
}
