import { assertEquals } from "@std/assert";
import { ENTRIES } from "./commands.ts";
import { withSynonym } from "./flag_synonyms.ts";

Deno.test("withSynonym() suggests the flag of the command for a flag of another program", async () => {
  const flagsOf = async (name: string) =>
    (await ENTRIES.find((entry) => entry.name === name)!.load()).program.options.map(({ long }) =>
      long ?? ""
    );
  const train = await flagsOf("train"), sweep = await flagsOf("sweep");
  const unknown = (flag: string) => `error: unknown option '${flag}'\n(Did you mean --eps?)\n`;
  const suggestion = (flag: string, own: string[]) => withSynonym(unknown(flag), own).split("\n")[1];
  assertEquals(suggestion("--epochs", train), "(Did you mean --steps?)");
  assertEquals(suggestion("--learning_rate=1", train), "(Did you mean --lr?)");
  assertEquals(suggestion("--batch-size", train), "(Did you mean --batch?)");
  assertEquals(suggestion("--policy", sweep), "(Did you mean --amp?)");
  assertEquals(suggestion("--seed", sweep), "(Did you mean --seeds?)");
  for (const flag of ["--constructor", "--other"]) {
    assertEquals(withSynonym(unknown(flag), train), unknown(flag));
  }
});
