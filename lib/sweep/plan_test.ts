import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { SPEC } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import type { Environment } from "../record/mod.ts";
import { type Plan, readPlan, writePlan } from "./plan.ts";
import { setAside } from "./reuse.ts";

Deno.test("a plan whose runs would lie outside of its folder is refused", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const planOf = (id: string): Plan => ({
      ...{ format: "losskit-plan/1", name: "plan", libSha256: "0".repeat(64), threads: 1 },
      data: { name: SPEC.data, sha256: "0".repeat(64) },
      runs: [{ id, spec: SPEC }],
    });
    writePlan(dir, planOf("0123456789ab"));
    assertEquals(readPlan(dir)?.runs[0]?.id, "0123456789ab");
    for (const id of ["../../elsewhere", "/tmp/0123456789ab", "0123456789AB", ""]) {
      writePlan(dir, planOf(id));
      const { message } = assertThrows(() => readPlan(dir), UserError);
      assertStringIncludes(message, `Cannot read ${join(dir, "plan.json")}`);
      assertStringIncludes(message, "runs.0.id: wanted 12 hex digits");
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("setAside() takes a run that another sweep has moved for one to run again", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    const environment = {} as Environment; // nothing is recorded that it could be held against
    assertEquals(
      await setAside(dir, { id: "0123456789ab", environment }),
      "another sweep has moved its earlier record aside",
    );
    assertEquals([...Deno.readDirSync(dir)], []);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
