import { assert, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { writeSyntheticRun } from "../../../tests/support/synthetic_runs.ts";
import { openLive } from "./open_live.ts";

Deno.test("openLive() opens the served report in the browser, and tells open pages the end", async () => {
  const root = Deno.makeTempDirSync(), dir = join(root, "sweep"), seen = join(root, "url");
  const before = Deno.env.get("BROWSER");
  try {
    const browser = join(root, "browser");
    Deno.writeTextFileSync(browser, `#!/bin/sh\nprintf %s "$1" > ${seen}.new && mv ${seen}.new ${seen}\n`, {
      mode: 0o755,
    });
    Deno.env.set("BROWSER", browser);
    const lines: string[] = [];
    const live = openLive(dir, { tolerance: 0.01, print: (line) => lines.push(line) });
    let url = "";
    for (let tries = 0; url === "" && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      url = await Deno.readTextFile(seen).catch(() => "");
    }
    assertStringIncludes(lines.join(), `live report: ${url}`);
    writeSyntheticRun(dir, { losses: [3, 2], spec: { seed: 7 } });
    const reader = (await fetch(`${url}events`)).body!.pipeThrough(new TextDecoderStream()).getReader();
    const closed = live.close();
    let told = "";
    while (!told.includes("event: end")) told += (await reader.read()).value ?? "";
    await closed;
    await reader.cancel().catch(() => {});
    assert(told.match(/^data: /gm)!.length > 2, told); // on connection, for the run, and at the end
  } finally {
    before === undefined ? Deno.env.delete("BROWSER") : Deno.env.set("BROWSER", before);
    Deno.removeSync(root, { recursive: true });
  }
});
