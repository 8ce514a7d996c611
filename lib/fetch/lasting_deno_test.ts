import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { lastingDeno } from "./lasting_deno.ts";

Deno.test("lastingDeno() copies a Deno of npx into the cache once, and returns other paths unchanged", () => {
  const root = Deno.makeTempDirSync(), before = Deno.env.get("LOSSKIT_CACHE");
  try {
    Deno.env.set("LOSSKIT_CACHE", join(root, "cache"));
    const folder = join(root, "_npx", "0123", "node_modules", "deno");
    Deno.mkdirSync(folder, { recursive: true });
    const deno = join(folder, "deno");
    Deno.writeTextFileSync(deno, "#!/bin/sh\necho lasting\n", { mode: 0o755 });
    const copy = lastingDeno(deno);
    assertEquals(copy, join(root, "cache", `deno-${Deno.version.deno}`, "deno"));
    const { mtime } = Deno.statSync(copy);
    assertEquals(lastingDeno(deno), copy);
    assertEquals(Deno.statSync(copy).mtime, mtime);
    Deno.removeSync(join(root, "_npx"), { recursive: true });
    const { stdout } = new Deno.Command(copy).outputSync();
    assertEquals(new TextDecoder().decode(stdout), "lasting\n");
    assertEquals(lastingDeno("/usr/bin/deno"), "/usr/bin/deno");
  } finally {
    if (before === undefined) Deno.env.delete("LOSSKIT_CACHE");
    else Deno.env.set("LOSSKIT_CACHE", before);
    Deno.removeSync(root, { recursive: true });
  }
});
