/**
 * Run options that select the text and its tokenizer.
 *
 * @module
 */
import type { RunField } from "./run_field.ts";

/** Run options that select the text and its tokenizer, by name. */
export const DATA_FIELDS = {
  data: {
    type: "text",
    flag: "data <corpus>",
    doc:
      "corpus: shakespeare, markov[:symbols=16,order=1,...], a UTF-8 text file, a folder, or a quoted glob pattern; repeatable",
  },
  tokenizer: {
    list: {
      name: "vocab",
      flag: "vocab <list>",
      doc:
        "tokenizers: char (character), byte, gpt2, sizes of byte-pair vocabularies, or tokenizer.json files, for example char,512",
    },
    type: "text",
    flag: "vocab <tokenizer>",
    doc: "char (character), byte, gpt2, the size of a byte-pair vocabulary, or a tokenizer.json file",
  },
  documents: {
    type: "text",
    default: "join",
    added: "join",
    choices: ["join", "separate"],
    flag: true,
    doc: "join: training sequences may cross document boundaries; separate: no sequence crosses them",
  },
  separator: {
    type: "text",
    default: "",
    defaultDoc: "none; each file is one document",
    added: "",
    flag: "separator <text>",
    doc: "text that ends a document within a file, only if documents is separate; \\n is a line break",
  },
} as const satisfies Readonly<Record<string, RunField>>;
