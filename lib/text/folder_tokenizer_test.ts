import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { trainBpe } from "./bpe_trainer.ts";
import { trainCharacterTokenizer } from "./character_tokenizer.ts";
import { loadFolderTokenizer } from "./folder_tokenizer.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";

const text = "the cat sat on the mat, the dog sat on the log. ".repeat(20);
const trained = trainBpe(text, { vocabSize: 270 });

/** Runs `work` with a folder of files. Contents that are not strings are written as JSON. */
async function inFolder(
  files: Record<string, unknown>,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(
        join(folder, name),
        typeof content === "string" ? content : JSON.stringify(content),
      );
    }
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns GPT-2's JSON with the ids of two letters exchanged: another vocabulary of the same size. */
async function otherOf50257() {
  const json = JSON.parse(JSON.stringify(await loadGpt2Tokenizer()));
  const { vocab } = json.model;
  [vocab["H"], vocab["e"]] = [vocab["e"], vocab["H"]];
  return json;
}

Deno.test("loadFolderTokenizer() loads the folder's own tokenizer of any size", async () => {
  const json = await otherOf50257();
  await inFolder({ "tokenizer.json": json }, async (folder) => {
    const { tokenizer, note } = await loadFolderTokenizer(folder, { V: 50257 });
    assertEquals(note, undefined);
    const { H, e } = json.model.vocab;
    assertEquals(Array.from(tokenizer.encode("He")), [...(await loadGpt2Tokenizer()).encode("He")]);
    assertEquals(Array.from(tokenizer.encode("eHe")).at(0), e);
    assert(H !== e && tokenizer.name !== "gpt2");
    await Deno.writeTextFile(join(folder, "tokenizer.json"), JSON.stringify(trained));
    for (const V of [270, 272, 50257, 50304]) {
      assertEquals((await loadFolderTokenizer(folder, { V })).tokenizer.encode(text), trained.encode(text));
    }
  });
});

Deno.test("loadFolderTokenizer() uses GPT-2's for a folder without one, padded or not, with a note", async () => {
  await inFolder({}, async (folder) => {
    for (const V of [50257, 50264, 50304, 51200]) {
      const { tokenizer, note } = await loadFolderTokenizer(folder, { V });
      assertEquals([tokenizer.name, note], ["gpt2", `${folder} has no tokenizer: using GPT-2's`]);
    }
    for (const V of [61, 50256, 50258, 50259, 65536]) {
      await assertRejects(
        () => loadFolderTokenizer(folder, { V }),
        UserError,
        `for ${V} tokens, got neither`,
      );
    }
  });
  const others = [
    "vocab.txt",
    "spiece.model",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "qwen.tiktoken",
  ];
  for (const name of others) {
    await inFolder({ [name]: "x" }, async (folder) => {
      await assertRejects(() => loadFolderTokenizer(folder, { V: 50257 }), UserError, `got only ${name}`);
    });
  }
  for (
    const [name, content, told] of [
      ["config.json", { model_type: "llama" }, 'got neither for a model of type "llama"'],
      [
        "config.json",
        { architectures: ["LlamaForCausalLM"] },
        "got neither for a model of the class LlamaForCausalLM",
      ],
      [
        "tokenizer_config.json",
        { tokenizer_class: "T5Tokenizer" },
        "got only the name of its class, T5Tokenizer",
      ],
    ] as const
  ) {
    await inFolder({ [name]: content }, async (folder) => {
      await assertRejects(() => loadFolderTokenizer(folder, { V: 50304 }), UserError, told);
    });
  }
  await inFolder(
    {
      "config.json": { architectures: ["GPT2LMHeadModel"] },
      "tokenizer_config.json": { tokenizer_class: "GPT2Tokenizer" },
    },
    async (folder) => {
      assertEquals((await loadFolderTokenizer(folder, { V: 50257 })).tokenizer.name, "gpt2");
    },
  );
});

Deno.test("loadFolderTokenizer() refuses a tokenizer with more tokens than the model, and damaged files", async () => {
  await inFolder({ "tokenizer.json": trained }, async (folder) => {
    const error = await assertRejects(() => loadFolderTokenizer(folder, { V: 269 }), UserError);
    assertStringIncludes(
      error.message,
      "expected at most 269 tokens, as the model has (vocab_size), got 270",
    );
  });
  const json = JSON.parse(JSON.stringify(trained));
  const cases: [unknown, string][] = [
    ["{", "it is not JSON"],
    ["[]", "model: expected a value, got nothing"],
    [{ ...json, model: { ...json.model, dropout: 0.1 } }, "model.dropout"],
    [{ ...json, model: { ...json.model, type: "Other" } }, "model.type"],
    [{ ...json, normalizer: { type: "Nonsense" } }, "Nonsense"],
    [{ ...json, added_tokens: [{ id: 270, content: "x", single_word: true }] }, "single_word"],
  ];
  for (const [content, message] of cases) {
    await inFolder({ "tokenizer.json": content }, async (folder) => {
      const error = await assertRejects(() => loadFolderTokenizer(folder, { V: 300 }), UserError);
      assertStringIncludes(error.message, `Cannot read ${join(folder, "tokenizer.json")}: `);
      assertStringIncludes(error.message, message);
    });
  }
});

Deno.test("loadFolderTokenizer() refuses ids beyond any vocabulary before it makes room for them", async () => {
  const json = {
    added_tokens: [{ id: 2 ** 31, content: "<unk>", special: true }],
    pre_tokenizer: { type: "Whitespace" },
    model: { type: "WordPiece", unk_token: "<unk>", vocab: { "<unk>": 0, the: 1 } },
  };
  await inFolder({ "tokenizer.json": json }, async (folder) => {
    await assertRejects(
      () => loadFolderTokenizer(folder, { V: 100 }),
      UserError,
      "added_tokens.0.id: must be an id below 2^24",
    );
  });
});

Deno.test("loadFolderTokenizer() reads vocab.json and merges.txt, also with a byte order mark", async () => {
  const json = JSON.parse(JSON.stringify(await loadGpt2Tokenizer()));
  const merges = ["#version: 0.2", ...json.model.merges.map((pair: string[]) => pair.join(" ")), ""].join(
    "\n",
  );
  const vocab = JSON.stringify({ ...json.model.vocab, "<|endoftext|>": 50256 });
  for (const mark of ["", "\ufeff"]) {
    await inFolder({ "vocab.json": mark + vocab, "merges.txt": mark + merges }, async (folder) => {
      const { tokenizer, note } = await loadFolderTokenizer(folder, { V: 50257 });
      assertEquals([tokenizer.vocabSize, note], [50257, undefined]);
      assertEquals(Array.from(tokenizer.encode("Hello world<|endoftext|>")), [15496, 995, 50256]);
      await Deno.writeTextFile(join(folder, "tokenizer_config.json"), '{"split_special_tokens":true}');
      const split = (await loadFolderTokenizer(folder, { V: 50257 })).tokenizer;
      assertEquals(
        split.encode("Hello world<|endoftext|>"),
        (await loadGpt2Tokenizer()).encode("Hello world<|endoftext|>"),
      );
    });
  }
  const special = { "special_tokens_map.json": { pad_token: { content: "[PAD]" } } };
  const files = { ...special, "added_tokens.json": { "[PAD]": 270 } };
  const own = JSON.parse(JSON.stringify(trained));
  const lines = own.model.merges.map((pair: string[]) => pair.join(" ")).join("\n");
  await inFolder({ ...files, "vocab.json": own.model.vocab, "merges.txt": lines }, async (folder) => {
    const { tokenizer } = await loadFolderTokenizer(folder, { V: 271 });
    assertEquals(Array.from(tokenizer.encode("a[PAD]b")), [97, 270, 98]);
  });
});

Deno.test("loadFolderTokenizer() reads a vocabulary of one character", async () => {
  await inFolder({ "tokenizer.json": trainCharacterTokenizer("aaaa") }, async (folder) => {
    const { tokenizer } = await loadFolderTokenizer(folder, { V: 1 });
    assertEquals([tokenizer.vocabSize, tokenizer.decode(tokenizer.encode("aa"))], [1, "aa"]);
  });
});
