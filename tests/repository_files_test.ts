/**
 * Files for containers, editors and continuous integration agree with `deno.json` and `.ci/run`.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { DEFAULT_IMAGE } from "../lib/cluster/mod.ts";
import { capture, pythonWith } from "./support/python.ts";

const ROOT = new URL("../", import.meta.url).pathname;

const read = (path: string) => Deno.readTextFileSync(join(ROOT, path));

const [, deno] = /deno@([\d.]+) task test/.exec(read(".ci/run"))!;
const { version, license, allowScripts } = JSON.parse(read("deno.json"));

Deno.test("Dockerfile has the Deno of .ci/run, is not run by root, and prepares all downloads", () => {
  const lines = read("Dockerfile").split("\n");
  assert(lines.includes(`FROM denoland/deno:bin-${deno} AS deno`));
  const user = lines.findIndex((line) => /^USER [1-9]\d*$/.test(line));
  assert(user >= 0 && user < lines.indexOf("WORKDIR /losskit"));
  assertMatch(read("Dockerfile"), /^RUN deno task setup /m);
  assertEquals(DEFAULT_IMAGE, "losskit");
  const { build, postCreateCommand } = JSON.parse(read(".devcontainer/devcontainer.json"));
  assertEquals([build.dockerfile, postCreateCommand], ["../Dockerfile", "deno task jupyter --install-only"]);
});

Deno.test("hadolint accepts the Dockerfile, and rejects one without a version", async () => {
  const hadolint = join(dirname(await pythonWith("hadolint")), "hadolint");
  assertEquals(await capture(hadolint, [join(ROOT, "Dockerfile")]), "");
  const bad = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(bad, "FROM debian\n");
    await assertRejects(() => capture(hadolint, ["--failure-threshold", "info", bad]), Error, "failed");
  } finally {
    await Deno.remove(bad);
  }
});

Deno.test("the workflow runs .ci/run", () => {
  const { jobs } = parse(read(".github/workflows/test.yml"));
  assertEquals(jobs.test.steps.at(-1).run, "bash .ci/run");
  for (const name of ["bug.yml", "question.yml"]) {
    assert(parse(read(`.github/ISSUE_TEMPLATE/${name}`)).body.length > 1, name);
  }
});

Deno.test("CITATION.cff has the version and license of deno.json", () => {
  const citation = parse(read("CITATION.cff"));
  assertEquals([citation.version, citation.license, citation.type], [version, license, "software"]);
  assert(citation.authors.length > 0 && citation.title.includes("losskit"));
});

Deno.test("deno.json answers Deno's question on the build scripts of every package", () => {
  const { npm } = JSON.parse(read("deno.lock")) as { npm: Record<string, { scripts?: boolean }> };
  const withScripts = Object.entries(npm).filter(([, { scripts }]) => scripts)
    .map(([name]) => `npm:${name.replace(/(?<=.)@.*$/, "")}`);
  assert(withScripts.length > 0);
  assertEquals([...new Set(withScripts)].sort(), allowScripts.deny);
});
