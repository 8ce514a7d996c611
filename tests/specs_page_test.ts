/**
 * The example in `docs/specs.md` contains every field of a spec, and is valid.
 */
import { assert, assertEquals } from "@std/assert";
import { parseSweepSpec } from "../lib/sweep/mod.ts";
import { SPEC_FIELDS } from "../lib/sweep/spec.ts";

Deno.test("the example in docs/specs.md is valid and contains every field of a spec", async () => {
  const page = await Deno.readTextFile(new URL("../docs/specs.md", import.meta.url));
  const [, code] = /^```ts\n([^]*?)^```$/m.exec(page) ?? [];
  assert(code !== undefined);
  const { default: spec } = await import(`data:application/typescript,${encodeURIComponent(code)}`);
  parseSweepSpec(spec, "docs/specs.md");
  const listed = [spec, spec.axes, ...spec.zip].flatMap((fields: object) => Object.keys(fields));
  // `budget` replaces `steps`, and `evalBytes` replaces `evalTokens`.
  const fields = Object.keys(SPEC_FIELDS).filter((name) => !["steps", "evalTokens"].includes(name));
  assertEquals(listed.sort(), fields.sort());
});
