/**
 * Notebooks made of code cells, for tests.
 *
 * @module
 */
import type { Notebook } from "../../lib/notebook/ipynb.ts";
import { KERNEL_NAME } from "../../lib/notebook/mod.ts";

/** Returns a notebook of losskit's kernel that has not run. */
export function notebookOfSources(sources: readonly string[]): Notebook {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { display_name: "Deno (losskit)", language: "typescript", name: KERNEL_NAME } },
    cells: sources.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      source,
      outputs: [],
      execution_count: null,
    })),
  };
}

/** Prompt of the texts that a model generates in the notebook 06_training.ipynb. */
const PROMPT = /(ROMEO\.\s+But soft,)[^]*/;

/** Replaces generated text after its prompt: weights after training differ between CPUs, and so does the text. */
export function withoutGenerated(text: string): string {
  return text.replace(PROMPT, "$1 TEXT");
}
