/** Tests of a sweep on a machine without libtensorflow, with a Python whose downloads hang or fail. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { denoArguments } from "../lib/file/package.ts";
import { exists } from "../lib/file/exists.ts";
import { root, specOf } from "./support/tiny_sweep.ts";

const MAIN = new URL("../lib/cli/main.ts", import.meta.url).href;

/** Starts a sweep with an empty cache. Python has a pip, whose downloads run a shell command. */
async function startSweep(
  name: string,
  download: string,
): Promise<{ child: Deno.ChildProcess; dir: string }> {
  const bin = join(root, name, "bin"), dir = join(root, name, "out");
  await Deno.mkdir(bin, { recursive: true });
  for (const program of ["python3", "python", "uv"]) {
    const script =
      `#!/bin/sh\ncase "$*" in *pip.__version__*) echo "25.3 $0"; exit;; *.whl*) ${download};; esac\nexit 1\n`;
    await Deno.writeTextFile(join(bin, program), script, { mode: 0o755 });
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: [...denoArguments(MAIN), "sweep", await specOf(name, { seeds: [7] }), "--out", dir],
    env: { PATH: `${bin}:${Deno.env.get("PATH")}`, LOSSKIT_CACHE: join(root, name, "cache"), NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  return { child, dir };
}

/** Returns true if a run's record has been started. */
const hasRuns = (dir: string) =>
  exists(join(dir, "runs")) && [...Deno.readDirSync(join(dir, "runs"))].length > 0;

Deno.test("SIGINT to a sweep ends the download of libtensorflow, and no run starts", async () => {
  const { child, dir } = await startSweep("hanging", "exec sleep 30");
  let text = "", isInterrupted = false;
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (isInterrupted || !text.includes("fetching tensorflow")) continue;
    isInterrupted = true;
    child.kill("SIGINT"); // to the sweep only: a terminal would send it to the download too
    break;
  }
  assertEquals((await child.status).code, 75, text);
  assert(isInterrupted && !hasRuns(dir));
});

Deno.test("a failed download of libtensorflow ends a sweep with one message, and no run starts", async () => {
  const { child, dir } = await startSweep("failing", 'echo "ERROR: no network" >&2; exit 1');
  const { code, stderr } = await child.output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 2, text);
  assertMatch(text, /Cannot find libtensorflow\. Tried:/);
  assertEquals([text.match(/Cannot find/g)?.length, text.includes("    at "), hasRuns(dir)], [
    1,
    false,
    false,
  ]);
});
