/** Properties of canonical JSON over random values, and IDs of recorded runs. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, runIdOf } from "../lib/record/mod.ts";

Deno.test("canonicalJson() writes equal texts for equal values, which JSON.parse restores", () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
    const text = canonicalJson(value);
    assertEquals(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    assertEquals(canonicalJson(reversed(value)), text);
  }));
});

/** Returns a value with the fields of all objects in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, entry]) => [key, reversed(entry)]));
}

Deno.test("the IDs of runs that older versions recorded are those of their specs", () => {
  const runs = new URL("../experiments/reference/runs/", import.meta.url).pathname;
  const ids = [...Deno.readDirSync(runs)].map(({ name }) => name);
  assertEquals(ids.length, 2);
  for (const id of ids) {
    const { spec, data, libSha256 } = JSON.parse(Deno.readTextFileSync(`${runs}${id}/manifest.json`));
    assertEquals(runIdOf({ spec, dataSha256: data.sha256, libSha256 }), id);
  }
});
