import { assertEquals } from "@std/assert";
import { didYouMean } from "./did_you_mean.ts";

Deno.test("didYouMean() suggests the nearest word, and nothing if all are far", () => {
  const known = ["seq", "steps", "seeds", "nEmbd", "lr", "minLr", "evalEvery"];
  const wanted = {
    stepz: "steps",
    setps: "steps",
    n_embd: "nEmbd",
    NEMBD: "nEmbd",
    lrr: "lr",
    evalEvry: "evalEvery",
    eval: "evalEvery",
  };
  for (const [word, name] of Object.entries(wanted)) {
    assertEquals(didYouMean(word, known), ` (did you mean ${name}?)`, word);
  }
  for (const word of ["banana", "x", "", "🙂"]) assertEquals(didYouMean(word, known), "", word);
  assertEquals(didYouMean("steps", []), "");
});
