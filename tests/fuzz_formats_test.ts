/**
 * Damaged files of formats that users provide or losskit stores. Each file gives a correct result or an error for the user.
 * `deno task soak` tests 10,000 files of each format.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { readSpec } from "../lib/cli/spec_file.ts";
import { parseJson } from "../lib/file/json.ts";
import { isSealed, sealJson, unsealJson } from "../lib/file/sealed_json.ts";
import { completeConfig } from "../lib/model/config.ts";
import { fromGpt2Config, toGpt2Config } from "../lib/model/gpt2_config.ts";
import { decodeSafetensors, encodeSafetensors } from "../lib/model/mod.ts";
import { readNotebook } from "../lib/notebook/ipynb.ts";
import { readStepColumns, stepTablePath, tabulateRuns } from "../lib/record/mod.ts";
import { parseSweepSpec } from "../lib/sweep/mod.ts";
import {
  corpusFromBytes,
  corpusText,
  createRandom,
  prepareCorpus,
  tokenizerFromJSON,
} from "../lib/text/mod.ts";
import { COUNT, fuzz, mutateText, seed } from "./support/fuzz.ts";
import { mutateBytes } from "./support/mutate.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const PROSE = "Wem der große Wurf gelungen, eines Freundes Freund zu sein — naïve 漢字 🙂.\n".repeat(20);

Deno.test(`${COUNT} damaged safetensors files with a checksum are refused, or hold what was written`, async () => {
  const random = createRandom(seed, "safetensors");
  const given = {
    tensors: {
      a: { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) },
      b: { shape: [], values: Float32Array.of(7) },
    },
    metadata: { format: "pt", note: "é" },
  };
  const whole = encodeSafetensors(given), want = decodeSafetensors(whole, "whole");
  const { refused } = await fuzz("safetensors", () => {
    const bytes = new Uint8Array(mutateBytes(whole, random));
    const { tensors, metadata } = decodeSafetensors(bytes, "damaged.safetensors");
    // If the name of the checksum is damaged, the remaining data are intact.
    const { format, note } = metadata;
    assertEquals({ tensors, metadata: { format, note } }, {
      tensors: want.tensors,
      metadata: given.metadata,
    });
  });
  assert(refused > COUNT / 2);
});

for (const name of ["character", "byte", "bpe:300"] as const) {
  Deno.test(`${COUNT} damaged tokenizer.json (${name}) are refused, or make a tokenizer that works`, async () => {
    const random = createRandom(seed, `tokenizer ${name}`);
    const { tokenizer } = await prepareCorpus(
      corpusFromBytes(new TextEncoder().encode(PROSE), { name: "own" }),
      {
        tokenizer: name,
      },
    );
    const text = JSON.stringify(tokenizer);
    const { refused } = await fuzz("tokenizer.json", () => {
      const read = tokenizerFromJSON(parseJson(mutateText(text, random), { anyKey: true }));
      const ids = read.encode(PROSE.slice(0, 60));
      assert(Array.from(ids).every((id) => id >= 0 && id < read.vocabSize));
      assertEquals(typeof read.decode(ids), "string");
    }, [TypeError, RangeError, SyntaxError]);
    assert(refused > 0);
  });
}

Deno.test(`${COUNT} damaged config.json are refused, or make a config of whole numbers`, async () => {
  const random = createRandom(seed, "config");
  const config = completeConfig({ vocabSize: 300, blockSize: 16, nLayer: 2, nHead: 2, nEmbd: 32 });
  const text = JSON.stringify(toGpt2Config(config));
  const { refused, taken } = await fuzz("config.json", () => {
    const read = fromGpt2Config(parseJson(mutateText(text, random)), "config.json");
    for (const size of [read.vocabSize, read.blockSize, read.nLayer, read.nHead, read.nEmbd]) {
      assert(Number.isSafeInteger(size) && size > 0);
    }
  }, [SyntaxError, TypeError]);
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged notebooks are refused, or read`, async () => {
  const random = createRandom(seed, "notebooks"), path = join(root, "notebook.ipynb");
  const cell = (id: string, source: string) => ({
    ...{ cell_type: "code", id, source: [source], metadata: {}, execution_count: 1 },
    outputs: [{ output_type: "stream", name: "stdout", text: ["1\n"] }],
  });
  const text = JSON.stringify({
    cells: [cell("a", "const x = 1;\n"), cell("b", "x")],
    metadata: { kernelspec: { name: "deno", display_name: "Deno", language: "typescript" } },
    ...{ nbformat: 4, nbformat_minor: 5 },
  });
  const { refused, taken } = await fuzz("notebooks", () => {
    const bytes = mutateText(text, random);
    Deno.writeFileSync(path, bytes);
    assertEquals<unknown>(readNotebook(path), JSON.parse(new TextDecoder().decode(bytes)));
  });
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged spec files are refused, or parsed`, async () => {
  const random = createRandom(seed, "spec files"), path = join(root, "spec.json");
  const text = JSON.stringify({
    ...{ name: "fuzz", data: "text.txt", seq: [16], policy: ["float32"], seeds: [1], vocab: ["character"] },
    ...{ steps: 20, tokensPerStep: 64, warmupSteps: 2, axes: { lr: [1e-3, 2e-3] } },
  });
  const { refused, taken } = await fuzz("spec files", async () => {
    const bytes = mutateText(text, random);
    Deno.writeFileSync(path, bytes);
    const spec = parseSweepSpec(await readSpec(path), path) as unknown as Record<string, unknown>;
    const json = JSON.parse(new TextDecoder().decode(bytes));
    for (const field of ["name", "data", "seq", "seeds", "steps", "tokensPerStep", "warmupSteps", "axes"]) {
      if (Object.hasOwn(json, field)) assertEquals(spec[field], json[field], field);
    }
  });
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged tables are reported, and steps are read from the journals`, async () => {
  const random = createRandom(seed, "tables"), dir = join(root, "sweep");
  writeSyntheticRun(dir, { losses: [3, 2.5, NaN, 2], evals: [{ step: 4, loss: 2 }] });
  tabulateRuns(dir);
  const path = stepTablePath(dir), whole = Deno.readFileSync(path), want = await readStepColumns(dir);
  await fuzz("tables", async () => {
    Deno.writeFileSync(path, mutateBytes(whole, random));
    assertEquals(await readStepColumns(dir, { note: () => {} }), want);
  });
});

Deno.test(`${COUNT} damaged texts are refused, or read byte for byte`, async () => {
  const random = createRandom(seed, "texts"), whole = new TextEncoder().encode(PROSE.slice(0, 400));
  const { refused, taken } = await fuzz("texts", () => {
    const bytes = mutateBytes(whole, random);
    const text = corpusText(corpusFromBytes(bytes, { name: "text.txt" }));
    assertEquals(new TextEncoder().encode(text), bytes);
  });
  assert(refused > 0 && taken > 0);
});

Deno.test(`${COUNT} damaged JSON files with a checksum are refused, or hold what was written`, async () => {
  const random = createRandom(seed, "sealed"),
    value = { format: "x/1", list: [1, "a b", { c: 0.1 }], text: "é" };
  const whole = new TextEncoder().encode(sealJson(value));
  const { refused } = await fuzz("sealed JSON", () => {
    const damaged = parseJson(mutateBytes(whole, random));
    if (!isSealed(damaged)) return; // as a file of version 0.1
    const read = unsealJson(damaged) as Record<string, unknown>;
    const known = Object.fromEntries(Object.keys(value).map((key) => [key, read[key]]));
    assertEquals(known, value);
  }, [SyntaxError, TypeError]);
  assert(refused > COUNT / 2);
});
