/**
 * Run options other than those of the data, the model, the trainer and the loop.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/** Run options other than those of the data, the model, the trainer and the loop, by name. */
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
      "gpt2 or llama, each with its own defaults of the other model options (docs/models.md); or the path of a module with an architecture (docs/own_code.md)",
  },
  initFrom: {
    type: "text",
    default: "none",
    added: "none",
    flag: "init-from <model>",
    doc:
      "folder of a model from which the run takes its initial weights, model options and tokenizer: a run, or a Hugging Face GPT-2 or LLaMA; none: random weights",
  },
  padVocab: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: true,
    doc: "vocabulary size of the model, at least the number of the tokenizer's tokens; 0: the same number",
  },
  perturb: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "perturb <k>",
    doc:
      "seed of a random perturbation of each initial weight by at most one unit in the last place; 0: no perturbation",
  },
  reorder: {
    type: "whole",
    default: 0,
    added: 0,
    least: 0,
    flag: "reorder <k>",
    doc:
      "seed of a random permutation of the MLPs' hidden units; only the order of floating-point sums changes; 0: no permutation",
  },
  allowDivergence: {
    type: "flag",
    default: true,
    added: true,
    flag: "fail-on-divergence",
    doc: "true: continue training after a NaN or infinite loss; false: end the run with status 4",
    flagDoc: "end the run with status 4 at a NaN or infinite loss",
  },
} as const satisfies Readonly<Record<string, RunField>>;
