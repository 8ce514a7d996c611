/** losskit in a folder whose path contains characters that URLs escape. Runs are started as separate processes there. */
import { assertEquals } from "@std/assert";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..");

/** Copies files and folders. */
function copy(from: string, to: string): void {
  if (!Deno.statSync(from).isDirectory) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) copy(join(from, name), join(to, name));
}

Deno.test("runs start from a path with spaces, accents and percent signs", async () => {
  const root = Deno.makeTempDirSync({ prefix: "los kit é 100%25 #" });
  try {
    for (const name of ["deno.json", "deno.lock", "import_map.json", "lib"]) {
      copy(join(ROOT, name), join(root, name));
    }
    const program = join(root, "environment.ts");
    Deno.writeTextFileSync(
      program,
      'import { probeEnvironment } from "./lib/run/environment.ts";\n' +
        "console.log((await probeEnvironment()).denoVersion);\n",
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", `--config=${join(root, "deno.json")}`, program],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stdout).trim()], [0, Deno.version.deno], text(stderr));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
