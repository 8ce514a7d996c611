import { assert, assertEquals, assertMatch } from "@std/assert";
import { classFormats, type PrecisionOverride, type Scope } from "../precision/mod.ts";
import {
  biasSentence,
  culpritSentence,
  gradientErrorText,
  type Part,
  partName,
  partsOf,
  returned,
} from "./culprit.ts";
import { culpritBound, searchCulprit } from "./find_culprit.ts";

const PARTS = partsOf(3);
const at = (layer: string, opClass: Part["opClass"]): Part => ({ layers: [layer], opClass });

/** Creates a signal that sums the effects of single parts, and counts its calls. */
function adding(effect: (part: Part) => number, parts = PARTS) {
  const asked: (readonly PrecisionOverride[])[] = [];
  const total = parts.reduce((sum, part) => sum + effect(part), 0);
  const shareOf = (back: readonly PrecisionOverride[]) => {
    asked.push(back);
    return parts.filter(({ layers, opClass }) => formatAt(back, { layer: layers[0]!, opClass }) === undefined)
      .reduce((sum, part) => sum + effect(part), 0) / total;
  };
  return { shareOf, asked };
}

/** Returns the format that overrides set for a class in a layer. */
function formatAt(overrides: readonly PrecisionOverride[], scope: Scope): string | undefined {
  return classFormats({ classes: {}, overrides }, scope).whole?.name;
}

Deno.test("partsOf() returns every class in every layer that contains it, once", () => {
  assertEquals(PARTS.length, 6 * 3 + 4);
  assertEquals(new Set(PARTS.map(partName)).size, PARTS.length);
  assertEquals(partName(PARTS[0]!), "linear of h.0");
  assertEquals(partsOf(1, { optimizer: true }).at(-1), {
    layers: ["embedding", "h.0", "head", "loss"],
    opClass: "optimizer",
  });
});

Deno.test("returned() sets float32 for the given parts only", () => {
  const back = returned([at("h.1", "softmax"), at("h.0", "linear"), at("h.2", "softmax")]);
  for (const part of PARTS) {
    const [layer] = part.layers, { opClass } = part;
    const wanted = opClass === "softmax" && layer !== "h.0" || opClass === "linear" && layer === "h.0";
    assertEquals(formatAt(back, { layer: layer!, opClass }), wanted ? "float32" : undefined);
  }
});

Deno.test("searchCulprit() finds any single part from both directions, within the maximum number of trials", async () => {
  for (const culprit of PARTS) {
    const { shareOf, asked } = adding((part) => part === culprit ? 1 : 0.1 / PARTS.length);
    const search = await searchCulprit(PARTS, shareOf);
    assertEquals(search.lowered.parts, [culprit]);
    assertEquals(search.returned.parts, [culprit]);
    assertEquals(search.trials, asked.length);
    assert(asked.length <= culpritBound(PARTS), `${asked.length}`);
    assertMatch(
      culpritSentence(search, "the error"),
      new RegExp(
        `^The culprit is ${partName(culprit)}: lowered alone it makes 91 % of the error, and .* leaves 9 %`,
      ),
    );
  }
});

Deno.test("searchCulprit() finds interacting parts", async () => {
  const both = [at("h.0", "linear"), at("h.2", "softmax")];
  const names = both.map(partName);
  const { shareOf } = adding((part) => names.includes(partName(part)) ? 1 : 0);
  const search = await searchCulprit(PARTS, shareOf);
  assertEquals(search.lowered.parts?.map(partName), names);
  // Each part alone leaves half of the effect, which is more than a fifth.
  assertEquals(search.returned.parts?.map(partName), names);
});

Deno.test("searchCulprit() names a partner that the larger part hides, and no third part", async () => {
  const effects: Record<string, number> = { "linear of h.0": 1, "layerNorm of h.1": 0.02 };
  const signal = () => adding((part) => effects[partName(part)] ?? 1e-5);
  const alone = signal();
  const search = await searchCulprit(PARTS, alone.shareOf, { alone: true });
  assertEquals(search.lowered.parts?.map(partName), ["linear of h.0", "layerNorm of h.1"]);
  assertEquals(search.returned.parts?.map(partName), ["linear of h.0", "layerNorm of h.1"]);
  assert(search.returned.share < 1e-3 && search.lowered.share > 0.999);
  assert(alone.asked.length <= culpritBound(PARTS, { alone: true }));
  // A remaining share that is negligible has no partner.
  const noisy = await searchCulprit(PARTS, signal().shareOf, { alone: true, least: 0.05 });
  assertEquals(noisy.returned.parts?.map(partName), ["linear of h.0"]);
  // Without a difference between parts, none is a partner.
  const single = adding((part) => partName(part) === "linear of h.0" ? 1 : 0.005);
  const one = await searchCulprit(PARTS, single.shareOf, { alone: true });
  assertEquals(one.returned.parts?.map(partName), ["linear of h.0"]);
});

Deno.test("searchCulprit() tries the first parts of a ranking, drops those without effect, and adds partners", async () => {
  const effects: Record<string, number> = { "gelu of h.1": 1, "softmax of h.2": 0.1 };
  const { shareOf, asked } = adding((part) => effects[partName(part)] ?? 1e-5);
  const ranking = [at("h.0", "gelu"), at("h.1", "gelu"), at("h.2", "softmax"), at("h.0", "linear")];
  const search = await searchCulprit(PARTS, shareOf, { ranking });
  assertEquals(search.lowered.parts?.map(partName), ["gelu of h.1", "softmax of h.2"]);
  assertEquals(search.returned.parts?.map(partName), ["gelu of h.1", "softmax of h.2"]);
  assert(asked.length <= 12, `${asked.length}`);
  // A ranking without the culprit: its class is found.
  const wrong = await searchCulprit(PARTS, shareOf, { ranking: ranking.slice(2), most: 2 });
  assertEquals([wrong.level, wrong.returned.parts?.map(partName)], ["classes", [
    "gelu of h.0 and h.1 and h.2",
  ]]);
});

Deno.test("searchCulprit() measures sets of equal effective precision once", async () => {
  const { shareOf, asked } = adding((part) => partName(part) === "gelu of h.1" ? 1 : 0.001);
  const plain = await searchCulprit(PARTS, shareOf, { alone: true });
  // Whatever the residual stream has as a format, it is float32 in effect.
  const merged = adding((part) => partName(part) === "gelu of h.1" ? 1 : 0.001);
  const keyOf = (back: readonly PrecisionOverride[]) =>
    JSON.stringify(back.filter(({ opClasses }) => String(opClasses) !== "residual"));
  const search = await searchCulprit(PARTS, merged.shareOf, { alone: true, keyOf });
  assertEquals(search.returned.parts?.map(partName), ["gelu of h.1"]);
  assertEquals([plain.trials, search.trials], [asked.length, merged.asked.length]);
  assert(merged.asked.length < asked.length, `${merged.asked.length} of ${asked.length}`);
});

Deno.test("searchCulprit() searches by class if an effect is spread over too many parts", async () => {
  const spread = adding(({ opClass }) => opClass === "linear" ? 1 : 0.01);
  const byClass = await searchCulprit(PARTS, spread.shareOf, { most: 2 });
  assertEquals(byClass.level, "classes");
  assertEquals(byClass.lowered.parts?.map(partName), ["linear of all layers"]);
  assertEquals(byClass.returned.parts?.map(partName), ["linear of all layers"]);
  const even = adding(() => 1);
  const none = await searchCulprit(PARTS, even.shareOf, { most: 2, alone: true });
  assertEquals([none.lowered.parts, none.returned.parts], [undefined, undefined]);
  assertEquals(none.alone.length, PARTS.length);
  assert(even.asked.length <= culpritBound(PARTS, { most: 2, alone: true }));
  assertMatch(
    culpritSentence(none, "the error"),
    /^No small set of parts explains it: .* makes 5 % of the error/,
  );
});

Deno.test("culpritSentence() reports different results of the directions", async () => {
  // Each of two parts causes the whole effect: lowering one is enough, and both must return to remove the effect.
  const two = ["softmax of h.0", "gelu of h.1"];
  const shareOf = (back: readonly PrecisionOverride[]) =>
    PARTS.some((part) =>
        two.includes(partName(part)) &&
        formatAt(back, { layer: part.layers[0]!, opClass: part.opClass }) === undefined
      )
      ? 1
      : 0;
  const search = await searchCulprit(PARTS, shareOf);
  assertEquals(search.lowered.parts?.length, 1);
  assertEquals(search.returned.parts?.map(partName), two);
  assertMatch(
    culpritSentence(search, "the error"),
    /^The directions differ: \w+ of h\.\d alone makes 100 % of the error; returning softmax of h\.0, gelu of h\.1 to float32 leaves 0 %/,
  );
});

Deno.test("gradientErrorText() says that gradients underflow if all of them are 0", () => {
  assertEquals(gradientErrorText({ error: 1, cosine: NaN }), "all gradients underflow to 0");
  assertEquals(gradientErrorText({ error: 1, cosine: 0.5 }), "the gradient error is 100 %");
  assertEquals(gradientErrorText({ error: 0.01234, cosine: 1 }), "the gradient error is 1.23 %");
  assertEquals(gradientErrorText({ error: 23.456, cosine: 1 }), "the gradient error is 2350 %");
  assertEquals(gradientErrorText({ error: NaN, cosine: NaN }), "the gradient error is not finite");
  const bias = { part: at("h.0", "linear"), bias: 3.3, coherence: 2.71 };
  assertMatch(biasSentence([bias]), /the culprit is linear of h\.0 \(330 %, coherence 2\.7\)/);
});
