import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { SPEC } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import { type Environment, runIdOf, sourcesHash } from "../record/mod.ts";
import { addToPlan, type Plan, planPath, readPlan, writePlan } from "./plan_file.ts";
import { setAside } from "./reuse.ts";

function planOf(...ids: string[]): Plan {
  return {
    ...{ format: "losskit-plan/1", name: "plan", libSha256: "0".repeat(64), threads: 1 },
    data: { name: SPEC.data, sha256: "0".repeat(64) },
    runs: ids.map((id) => ({ id, spec: SPEC })),
  };
}

Deno.test("addToPlan() loses no run when processes add runs concurrently and one is killed", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    const ids = (i: number) =>
      Array.from({ length: 12 }, (_, j) => `${i}${j.toString(16)}`.padStart(12, "0"));
    const module = new URL("./plan_file.ts", import.meta.url).href;
    const start = (i: number) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          "--ext=ts",
          `import { addToPlan } from ${JSON.stringify(module)};
          console.log("ready");
          while (true) try { Deno.statSync(${JSON.stringify(join(dir, "go"))}); break; } catch {}
          const plan = ${JSON.stringify(planOf())};
          for (const id of ${JSON.stringify(ids(i))}) {
            addToPlan(${JSON.stringify(dir)}, { ...plan, runs: [{ id, spec: ${
            JSON.stringify(SPEC)
          } }] }, () => {});
          }
          ${i === 0 ? "while (true) addToPlan(" + JSON.stringify(dir) + ", plan, () => {});" : ""}`,
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
    const children = [0, 1, 2, 3].map(start);
    const readers = children.map((child) => child.stdout.getReader());
    for (const reader of readers) await reader.read();
    Deno.writeTextFileSync(join(dir, "go"), "");
    const ended = await Promise.all(children.slice(1).map(({ status }) => status));
    while (readPlan(dir)?.runs.filter(({ id }) => ids(0).includes(id)).length !== 12) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    children[0]!.kill("SIGKILL");
    await children[0]!.status;
    for (const reader of readers) await reader.cancel();
    assertEquals(ended.map(({ code }) => code), [0, 0, 0]);
    addToPlan(dir, planOf("f".repeat(12)), () => {}); // the killed process holds no lock
    assertEquals(
      readPlan(dir)!.runs.map(({ id }) => id).sort(),
      [...[0, 1, 2, 3].flatMap(ids), "f".repeat(12)].sort(),
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("addToPlan() leaves a plan unchanged if it has the runs, or the check throws", () => {
  const dir = Deno.makeTempDirSync();
  try {
    addToPlan(dir, planOf("0".repeat(12), "1".repeat(12)), () => {});
    const { mtime, ino } = Deno.statSync(planPath(dir));
    addToPlan(dir, planOf("1".repeat(12)), () => {});
    const refuse = () => {
      throw new UserError("another's");
    };
    assertThrows(() => addToPlan(dir, planOf("2".repeat(12)), refuse), UserError, "another's");
    const after = Deno.statSync(planPath(dir));
    assertEquals([after.mtime, after.ino], [mtime, ino]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readPlan() refuses run IDs that leave the plan's folder", () => {
  const dir = Deno.makeTempDirSync();
  try {
    writePlan(dir, planOf("0123456789ab"));
    assertEquals(readPlan(dir)?.runs[0]?.id, "0123456789ab");
    for (const id of ["../../elsewhere", "/tmp/0123456789ab", "0123456789AB", ""]) {
      writePlan(dir, planOf(id));
      const { message } = assertThrows(() => readPlan(dir), UserError);
      assertStringIncludes(message, `Cannot read ${join(dir, "plan.json")}`);
      assertStringIncludes(message, "runs.0.id: expected 12 hexadecimal digits");
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readPlan() refuses a plan of this code whose runs have IDs of other runs", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const plan = planOf("0123456789ab");
    writePlan(dir, { ...plan, libSha256: sourcesHash() });
    assertThrows(
      () => readPlan(dir),
      UserError,
      `Cannot read ${
        join(dir, "plan.json")
      }: expected the spec, text and code of run 0123456789ab, got those of run `,
    );
    writePlan(dir, plan); // other code: specs of older versions lack fields
    assertEquals(readPlan(dir)?.runs.length, 1);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readPlan() refuses a repeated run, other threads, and a plan of this code without its checksum", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const { sha256: dataSha256 } = planOf().data, libSha256 = sourcesHash();
    const runs = [1, 2].map((seed) => {
      const spec = { ...SPEC, seed };
      return { id: runIdOf({ spec, dataSha256, libSha256 }), spec };
    });
    const plan: Plan = { ...planOf(), libSha256, threads: SPEC.threads, runs };
    writePlan(dir, plan);
    assertEquals(readPlan(dir), plan);
    const refused = (told: string) => {
      const { message } = assertThrows(() => readPlan(dir), UserError);
      assertStringIncludes(message, `Cannot read ${planPath(dir)}: ${told}`);
      assertStringIncludes(message, "Restore the file from a copy, or choose another folder with --out.");
    };
    for (const changed of [plan, { ...plan, name: "other" }, { ...plan, runs: runs.slice(1) }]) {
      Deno.writeTextFileSync(planPath(dir), JSON.stringify(changed));
      refused("expected a checksum, as this version of losskit writes it, got none");
    }
    writePlan(dir, plan);
    Deno.writeTextFileSync(
      planPath(dir),
      Deno.readTextFileSync(planPath(dir)).replace('"plan"', '"other"'),
    );
    refused("expected a sweep's plan, got a damaged file: expected content with checksum");
    const [first] = runs;
    writePlan(dir, { ...plan, runs: [...runs, first!] });
    refused(`expected each run once, got run ${first!.id} twice`);
    writePlan(dir, { ...plan, libSha256: "0".repeat(64), runs: [...runs, first!] }); // other code
    refused(`expected each run once, got run ${first!.id} twice`);
    writePlan(dir, { ...plan, threads: SPEC.threads + 1 });
    refused(
      `expected threads ${SPEC.threads + 1} in every run, as in the plan, got ${SPEC.threads} in run ${
        first!.id
      }`,
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readPlan() refuses a link that leaves the folder, and follows others", () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync()), dir = join(root, "sweep");
  try {
    writePlan(dir, planOf());
    Deno.renameSync(planPath(dir), join(dir, "kept.json"));
    Deno.symlinkSync("kept.json", planPath(dir));
    assertEquals(readPlan(dir), planOf());
    Deno.renameSync(join(dir, "kept.json"), join(root, "kept.json"));
    Deno.removeSync(planPath(dir));
    Deno.symlinkSync("../kept.json", planPath(dir));
    assertThrows(
      () => readPlan(dir),
      UserError,
      `${planPath(dir)} is a symbolic link that leaves the sweep's folder for ${root}/kept.json`,
    );
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("setAside() requests a rerun after another sweep has moved the record", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    const environment = {} as Environment; // there is no recorded environment to compare with
    assertEquals(
      await setAside(dir, { run: planOf("0123456789ab").runs[0]!, environment }),
      "another sweep has moved its earlier record to earlier/",
    );
    assertEquals([...Deno.readDirSync(dir)], []);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
