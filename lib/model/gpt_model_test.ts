import * as tf from "@tensorflow/tfjs";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { autocast, crossEntropy, trueDtype, useTensorFlow } from "../tensorflow/mod.ts";
import { createBpeTokenizer, createRandom } from "../text/mod.ts";
import { generate, generateTokens } from "./generate.ts";
import { gpt } from "./gpt_model.ts";
import { initialParameters } from "./parameters.ts";

await useTensorFlow();

const config = { nLayer: 1, nHead: 2, nEmbd: 16, blockSize: 8, vocabSize: 256, logitSoftCap: 5 } as const;

function ids(): tf.Tensor2D {
  const random = createRandom(1, "ids");
  return tf.tensor2d(Int32Array.from({ length: 24 }, () => random.integer(256)), [3, 8], "int32");
}

Deno.test("blockedLoss() equals crossEntropy() of forward(), with its gradients, and is NaN without targets", () => {
  for (const tiedHead of [true, false]) {
    using model = gpt({ ...config, tiedHead }, { seed: 2 });
    tf.tidy(() => {
      const x = ids(), counts = tf.tensor2d(Array.from({ length: 24 }, (_, i) => i % 3), [3, 8]);
      const y = tf.where(tf.equal(counts, 0), tf.onesLike(x).mul(tf.scalar(-100, "int32")), x) as tf.Tensor2D;
      const forward = () => {
        const logits = model.forward(x);
        assertEquals(logits.shape, [3, 8, 256]);
        return crossEntropy(tf.reshape(logits, [24, 256]), tf.reshape(y, [24]));
      };
      const weights = Object.values(model.parameters);
      const plain = tf.valueAndGrads(forward)(weights);
      const blocked = tf.valueAndGrads(() => model.blockedLoss(x, y))(weights);
      assertAlmostEquals(blocked.value.dataSync()[0]!, plain.value.dataSync()[0]!, 1e-6);
      plain.grads.forEach((gradient, i) => {
        const got = blocked.grads[i]!.dataSync();
        gradient.dataSync().forEach((value, j) => assertAlmostEquals(got[j]!, value, 1e-6));
      });
      const none = tf.fill([3, 8], -100, "int32") as tf.Tensor2D;
      assertEquals(model.blockedLoss(x, none).dataSync()[0], NaN);
    });
  }
});

Deno.test("gpt() is initialized by its seed or from weights, follows autocast, and leaves no tensor", () => {
  const before = tf.memory().numTensors;
  {
    using model = gpt(config, { seed: 7 });
    using same = gpt(config, { parameters: initialParameters(config, 7) });
    for (const [name, tensor] of Object.entries(model.parameters)) {
      assertEquals(same.parameters[name]!.dataSync(), tensor.dataSync(), name);
    }
    tf.tidy(() => assertEquals(trueDtype(autocast("bf16-autocast", () => model.forward(ids()))), "bfloat16"));
  }
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("generate() continues a prompt with the tokens of generateTokens(), by seed", () => {
  using model = gpt({ ...config, initStd: 0.5 });
  const tokenizer = createBpeTokenizer([]);
  const options = { maxNewTokens: 12, temperature: 0.9, topK: 20, seed: 3 };
  const text = generate(model, tokenizer, { prompt: "To be", ...options });
  const [tokens] = generateTokens(model.parameters, model.config, {
    prompts: [tokenizer.encode("To be")],
    ...options,
  });
  assertEquals(text, tokenizer.decode([...tokenizer.encode("To be"), ...tokens!]));
  assertEquals(text, generate(model, tokenizer, { prompt: "To be", ...options }));
});

Deno.test("a model refuses values that are no token ids, and names ids outside of its vocabulary", () => {
  using model = gpt({ nLayer: 1, nHead: 1, nEmbd: 8, blockSize: 4, vocabSize: 10 });
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const ids = (values: number[], dtype: "int32" | "float32" = "int32") =>
      tf.tensor2d([values], undefined, dtype);
    for (
      const wrong of [
        ids([1], "float32"),
        tf.zeros([4], "int32"),
        tf.zeros([1, 0], "int32"),
        [[1]],
        undefined,
      ]
    ) {
      assertThrows(
        () => model.forward(wrong as tf.Tensor2D),
        TypeError,
        "expected tokens to be int32 [B, T]",
      );
      assertThrows(
        () => model.blockedLoss(ids([1]), wrong as tf.Tensor2D),
        TypeError,
        "expected y to be int32 [B, T]",
      );
    }
    for (const id of [10, -1]) {
      assertThrows(
        () => model.forward(ids([0, id])),
        RangeError,
        `from 0 to 9 in x (vocabSize 10), got ${id}`,
      );
      assertThrows(
        () => model.blockedLoss(ids([0, 1]), ids([0, id])),
        RangeError,
        "to exclude a position, got",
      );
    }
    assertThrows(() => model.forward(ids([1, 2, 3, 4, 5])), RangeError, "expected T <= blockSize");
  });
  assertEquals(tf.memory().numTensors, before);
  assertThrows(
    () => gpt(undefined as never),
    TypeError,
    "Cannot create a GPT: expected an object of options",
  );
});
