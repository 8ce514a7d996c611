import { assertEquals, assertThrows } from "@std/assert";
import type { GptConfig } from "./config.ts";
import { describeModel, flopsPerToken, summarizeModel } from "./summary.ts";

const gpt2: GptConfig = { nLayer: 12, nHead: 12, nEmbd: 768, vocabSize: 50257, blockSize: 1024 };

Deno.test("flopsPerToken() equals 6 P + 6 L C T", () => {
  // Blocks of GPT-2 small have 12 C^2 weights each; the head V C.
  const P = 12 * 12 * 768 ** 2 + 50257 * 768;
  assertEquals(flopsPerToken(gpt2, 1024), 6 * P + 6 * 12 * 768 * 1024);
  assertEquals(flopsPerToken({ ...gpt2, tiedHead: false, bias: false }, 1024), flopsPerToken(gpt2, 1024));
  assertEquals(flopsPerToken(gpt2, 1024) - flopsPerToken(gpt2, 1023), 6 * 12 * 768);
  assertThrows(
    () => flopsPerToken(gpt2, 1025),
    RangeError,
    "expected an integer T in [1, 1024] (blockSize)",
  );
});

Deno.test("describeModel() has a row for each part, with the correct total", () => {
  assertEquals(
    describeModel(gpt2),
    `token embedding     50257 × 768              38,597,376
position embedding  1024 × 768                  786,432
attention × 12      12 heads of 64           28,348,416
MLP × 12            768 → 3072 → 768, gelu   56,669,184
LayerNorm           25 of 768                    38,400
head                tied                              0
total                                       124,439,808
bias true, dropout 0, initial standard deviation 0.02, norm epsilon 0.00001, soft caps: logits none, attention none
7.978e+8 FLOPs per token of a training step at T = 1024`,
  );
  const other = describeModel({
    ...{ nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 10, blockSize: 4 },
    ...{ bias: false, tiedHead: false, qkNorm: true, activation: "swiglu", logitSoftCap: 30, dropout: 0.1 },
  });
  assertEquals(
    other,
    `token embedding     10 × 8                           80
position embedding  4 × 8                            32
attention           2 heads of 4, q and k normed    264
MLP                 8 → 24 → 8, swiglu              576
LayerNorm           3 of 8                           24
head                8 × 10                           80
total                                             1,056
bias false, dropout 0.1, initial standard deviation 0.02, norm epsilon 0.00001, soft caps: logits 30, attention none
5.664e+3 FLOPs per token of a training step at T = 4`,
  );
});

Deno.test("summarizeModel() gives sizes, cost, and options that differ from GPT-2's, in one line", () => {
  assertEquals(
    summarizeModel(gpt2),
    "nLayer 12, nHead 12, nEmbd 768, vocabSize 50257, blockSize 1024, 124,439,808 parameters, " +
      "7.978e+8 operations per training token",
  );
  assertEquals(
    summarizeModel({
      ...{ nLayer: 1, nHead: 2, nEmbd: 8, vocabSize: 10, blockSize: 4 },
      ...{ bias: false, tiedHead: false, qkNorm: true, activation: "swiglu", logitSoftCap: 30, dropout: 0 },
    }),
    "nLayer 1, nHead 2, nEmbd 8, vocabSize 10, blockSize 4, bias false, tiedHead false, qkNorm true, " +
      "logitSoftCap 30, activation swiglu, 1,056 parameters, 5.664e+3 operations per training token",
  );
});
