/**
 * `deno task jupyter`: the installed kernel, and the message if JupyterLab cannot be installed.
 */
import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { lastingDeno } from "../lib/fetch/lasting_deno.ts";

async function jupyter(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/cli/jupyter.ts", ...args],
    cwd: new URL("../", import.meta.url).pathname,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("jupyter installs a kernel that survives signals, and prints its permissions", async () => {
  const folder = await Deno.makeTempDir({ prefix: "losskit é " });
  try {
    for (const _ of ["first", "second"]) {
      const { code, stdout } = await jupyter(["--install-only"], { JUPYTER_DATA_DIR: folder });
      assertEquals(code, 0);
      assertStringIncludes(stdout, join(folder, "kernels", "losskit"));
      assertStringIncludes(stdout, "all permissions (read, write, net, env, run, ffi, sys)");
    }
    const spec = JSON.parse(await Deno.readTextFile(join(folder, "kernels", "losskit", "kernel.json")));
    assertEquals([spec.language, spec.interrupt_mode], ["typescript", "signal"]);
    assertEquals(spec.argv.slice(-2), [lastingDeno(), "{connection_file}"]);
    // The program that starts the kernel makes it ignore the signal.
    const [shell, ...args] = spec.argv.slice(0, 3).map((part: string) =>
      part.replace("jupyter --kernel", "eval")
    );
    const program = `Deno.kill(Deno.pid, "SIGINT"); setTimeout(() => console.log("alive"), 100);`;
    const { stdout } = await new Deno.Command(shell, {
      args: [...args.map((part: string) => part.replace(`--conn "$1"`, `"$1"`)), Deno.execPath(), program],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "alive\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("jupyter reports that Python and uv are missing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stderr } = await jupyter([], {
      JUPYTER_DATA_DIR: folder,
      LOSSKIT_CACHE: join(folder, "cache"),
      PATH: folder,
    });
    assertEquals(code, 2);
    assertMatch(stderr, /python3 -m venv: not on this machine\n\s+uv: not on this machine/);
    assertStringIncludes(stderr, "Install Python 3 with its venv module");
    assertNotMatch(stderr, /\n\s+at /);
    const kept = [...Deno.readDirSync(join(folder, "cache"))].map(({ name }) => name);
    assertEquals(kept.filter((name) => !name.startsWith("deno-")), ["jupyterlab.lock"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
