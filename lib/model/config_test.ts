import { assertEquals, assertThrows } from "@std/assert";
import { ACTIVATIONS, completeConfig, type GptConfig, validateGptConfig } from "./config.ts";

const config: GptConfig = { nLayer: 2, nHead: 2, nEmbd: 32, vocabSize: 61, blockSize: 24 };

Deno.test("validateGptConfig() accepts GPT-2 and every valid option", () => {
  validateGptConfig(config);
  for (const activation of ACTIVATIONS) validateGptConfig({ ...config, activation });
  validateGptConfig({
    ...config,
    ...{ bias: false, tiedHead: false, dropout: 0.9, qkNorm: true, logitSoftCap: 30, attentionSoftCap: 50 },
    ...{ initStd: 1e-3, layerNormEps: 1e-6 },
  });
});

Deno.test("validateGptConfig() refuses invalid options, with option and value", () => {
  const cases: [Partial<Record<keyof GptConfig, unknown>>, typeof TypeError | typeof RangeError, string][] = [
    [{ bias: 1 }, TypeError, "expected true or false for bias, got 1"],
    [{ tiedHead: "no" }, TypeError, "expected true or false for tiedHead, got no"],
    [{ dropout: 1 }, RangeError, "expected dropout in [0, 1), got 1"],
    [{ dropout: NaN }, RangeError, "dropout"],
    [{ logitSoftCap: 0 }, RangeError, "expected a finite number above 0 for logitSoftCap, got 0"],
    [{ attentionSoftCap: Infinity }, RangeError, "attentionSoftCap"],
    [{ initStd: -1 }, RangeError, "initStd"],
    [{ layerNormEps: 0 }, RangeError, "layerNormEps"],
    [{ activation: "tanh" }, RangeError, "expected one of gelu, geluErf"],
    [
      { nHead: 4, nKvHead: 3 },
      RangeError,
      "expected nHead to be a multiple of nKvHead, got nHead 4 and nKvHead 3",
    ],
    [{ nKvHead: -1 }, RangeError, "expected an integer >= 0 for nKvHead, got -1"],
    [{ nInner: 1.5 }, RangeError, "expected an integer >= 0 for nInner, got 1.5"],
    [{ norm: "batchNorm" }, RangeError, "expected one of layerNorm, rmsNorm for norm, got batchNorm"],
    [{ position: "alibi" }, RangeError, "expected one of learned, rotary for position, got alibi"],
    [{ position: "rotary", nHead: 32 }, RangeError, "expected heads of an even size with rotary positions"],
    [{ ropeTheta: 0 }, RangeError, "expected a finite number above 0 for ropeTheta, got 0"],
    [{ ropeScaling: "yarn:4" }, RangeError, "expected none, linear:FACTOR, or llama3:FACTOR,LOW,HIGH,LENGTH"],
    [{ ropeScaling: "llama3:8,4,1,8192" }, RangeError, "with numbers above 0 and LOW < HIGH"],
    [{ qkNorm: true, nHead: 32 }, RangeError, "expected heads of at least 2 numbers with qkNorm"],
  ];
  for (const [option, kind, message] of cases) {
    assertThrows(() => validateGptConfig({ ...config, ...option } as GptConfig), kind, message);
  }
});

Deno.test("completeConfig() fills in GPT-2's defaults and drops other fields", () => {
  const given = { ...config, dropout: 0.1, steps: 7, bias: undefined };
  assertEquals(completeConfig(given), {
    ...config,
    ...{ bias: true, tiedHead: true, dropout: 0.1, qkNorm: false, logitSoftCap: undefined },
    ...{ attentionSoftCap: undefined, initStd: 0.02, activation: "gelu", layerNormEps: 1e-5 },
    ...{ nInner: 128, norm: "layerNorm", position: "learned", ropeTheta: 10_000, ropeScaling: "none" },
    nKvHead: config.nHead,
  });
});

Deno.test("nInner gives swiglu as many weights as the others, up to rounding", () => {
  const feedForwardWidth = (config: GptConfig) => completeConfig(config).nInner;
  assertEquals(feedForwardWidth({ ...config, nInner: 7, activation: "swiglu" }), 7);
  const wide: GptConfig = { ...config, nEmbd: 768, activation: "swiglu" };
  assertEquals(3 * 768 * feedForwardWidth(wide), 2 * 768 * 4 * 768);
});
