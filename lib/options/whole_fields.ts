/**
 * Options of the run as a whole.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/** Options of the run as a whole. */
export const WHOLE_FIELDS = {
  T: {
    list: { name: "seq", flag: "seq <list>", doc: "sequence lengths T, for example 64,128" },
    type: "whole",
    least: 1,
    most: 2 ** 20,
    flag: "seq <T>",
    doc: "sequence length in tokens",
  },
  B: { type: "whole", least: 1, most: 2 ** 20, flag: "batch <B>", doc: "sequences per batch" },
  threads: {
    type: "whole",
    least: 1,
    most: 1024,
    flag: "threads <n>",
    doc: "number of threads",
    defaultDoc: "number of cores",
  },
  seed: {
    list: { name: "seeds", flag: "seeds <list>", doc: "seeds, for example 1,2" },
    type: "whole",
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    flag: "seed <n>",
    doc: "seed of initial weights, batches and dropout",
  },
  architecture: {
    type: "text",
    default: "gpt2",
    added: "gpt2",
    flag: true,
    choices: ["gpt2", "llama"],
    module: true,
    doc:
      "gpt2 or llama, which set the defaults of the other model options (docs/models.md lists them); or the path of a module (docs/own_code.md)",
  },
  initFrom: {
    type: "text",
    default: "none",
    added: "none",
    flag: "init-from <model>",
    doc:
      "model whose weights, options and tokenizer the run starts from: folder of a run or of a Hugging Face GPT-2 or LLaMA; none: random weights",
  },
  padVocab: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "vocabulary size V of the model, at least the tokenizer's; 0: the tokenizer's",
  },
  perturb: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "perturb <k>",
    doc:
      "seed of a random perturbation of the initial weights by at most one unit in the last place; 0: none",
  },
  reorder: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "reorder <k>",
    doc:
      "seed of a random order of the MLPs' hidden units, which changes the order of sums, not the function; 0: none",
  },
  allowDivergence: {
    type: "flag",
    default: true,
    added: true,
    flag: "fail-on-divergence",
    doc: "continue training after a NaN or infinite loss; false: fail the run with status 4",
    flagDoc: "fail the run with status 4 at a NaN or infinite loss",
  },
} as const satisfies Readonly<Record<string, RunField>>;
