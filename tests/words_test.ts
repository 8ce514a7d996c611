/**
 * What commands print and where they write, for folders and devices other than the built-in ones.
 */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { runTask } from "./support/commands.ts";
import { copy, done, root, specOf, text } from "./support/tiny_sweep.ts";

const REPOSITORY = new URL("../", import.meta.url).pathname;
const SHORT = ["--seq", "16", "--vocab", "char", "--amp", "off", "--seeds", "1", "--steps", "2"];

/** Runs a line of shell in the repository, where `deno` is this one. */
async function shell(line: string): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", line.replaceAll("deno task", `"${Deno.execPath()}" task --quiet`)],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a command whose output a full disk or a closed pipe takes ends with one sentence", async () => {
  for (const line of [`deno task report '${done}' > /dev/full`, "deno task report --help > /dev/full"]) {
    const { code, stderr } = await shell(line);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /^Cannot write to standard output: .*No space left on device.*\n$/);
  }
  const refused = await shell("deno task report nowhere 2> /dev/full");
  assertEquals(refused.code, 2, "the status says what standard error cannot");
  const { stderr } = await shell(`{ sleep 1; deno task report '${done}'; } | true`);
  assertNotMatch(stderr, /\n {4}at /);
});

Deno.test("a report's commands make its runs again, whatever its folder is called", async () => {
  const folder = copy(done, join(root, "it's a $folder"));
  assertEquals((await runTask("report", [folder])).code, 0);
  const html = await Deno.readTextFile(join(folder, "report.html"));
  const [, lines = ""] = /<pre tabindex="0">(deno task.*?)<\/pre>/s.exec(html) ?? [];
  const commands = lines.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&amp;", "&").split(
    "\n",
  );
  assertEquals(commands.length, 2, html.slice(html.indexOf("Make it again")).slice(0, 500));
  for (const command of commands) {
    const { code, stderr } = await shell(command);
    assertEquals(code, 0, `${command}: ${stderr}`);
  }
});

Deno.test("a sweep that flags change has a folder of its own, and one in --out its folder's name", async () => {
  const name = `words-${crypto.randomUUID().slice(0, 8)}`;
  const spec = await specOf(name, { name });
  const folders = () =>
    [...Deno.readDirSync(join(REPOSITORY, "experiments", "out"))].map(({ name }) => name)
      .filter((one) => one.startsWith(name)).sort();
  try {
    for (const flags of [[], ["--steps", "10"], ["--steps", "4"], ["--steps", "4"]]) {
      const { code, stderr } = await runTask("sweep", [spec, ...flags]);
      assertEquals(code, 0, stderr);
    }
    assertEquals(folders().length, 2);
    assertEquals(folders()[0], name);
    assertMatch(folders()[1]!, new RegExp(`^${name}-[0-9a-f]{8}$`));
  } finally {
    for (const one of folders()) {
      Deno.removeSync(join(REPOSITORY, "experiments", "out", one), { recursive: true });
    }
  }
  const own = await runTask("sweep", ["--data", text, ...SHORT, "--out", join(root, "own")]);
  assertEquals(own.code, 0, own.stderr);
  assertStringIncludes(own.stderr, "own: 1 of 1 runs finished");
  assertNotMatch(own.stderr, /default:/);
});

Deno.test("a device that is unknown or not there is refused before anything starts", async () => {
  const out = join(root, "no-device");
  for (
    const [device, told] of [["cuda", "LOSSKIT_DEVICE must be auto, cpu or gpu"], [
      "gpu",
      "Cannot run on a GPU",
    ]] as const
  ) {
    for (const task of ["train", "sweep"]) {
      const env = { LOSSKIT_DEVICE: device, CUDA_VISIBLE_DEVICES: "" };
      const { code, stderr } = await runTask(task, ["--data", text, "--steps", "2", "--out", out], env);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, told);
    }
  }
  assert(![...Deno.readDirSync(root)].some(({ name }) => name === "no-device"));
});

Deno.test("commands that are printed for a shell are quoted", async () => {
  const spec = await specOf("quoted", {});
  const { code, stdout, stderr } = await runTask("cluster", ["slurm", spec, "--out", join(root, "my jobs")]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, `sbatch '${join(root, "my jobs", "slurm.sh")}'`);
});
