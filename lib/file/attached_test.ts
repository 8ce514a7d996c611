import { assertEquals } from "@std/assert";
import { spawnAttached } from "./attached.ts";

Deno.test("spawnAttached() passes arguments, output, status and signals, and leaves nothing behind", async () => {
  const script = 'read -r line; echo "$1|$line"; echo bad >&2; exit 7';
  const { code, stdout, stderr } = await spawnAttached(["/bin/sh", "-c", script, "sh", "a b"], {
    ...{ stdout: "piped", stderr: "piped" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, text(stdout), text(stderr)], [7, "a b|\n", "bad\n"]);

  const stopped = spawnAttached(["/bin/sleep", "1000"]);
  stopped.kill("SIGTERM");
  assertEquals((await stopped.status).signal, "SIGTERM");
});

Deno.test("spawnAttached() kills a program that never ends once the parent process is killed", async () => {
  const parent = new Deno.Command(Deno.execPath(), {
    args: [
      ...["eval", "--quiet"],
      `import { spawnAttached } from ${JSON.stringify(import.meta.resolve("./attached.ts"))};
       const child = spawnAttached([Deno.execPath(), "eval", "for (;;);"]);
       console.log(child.pid);`,
    ],
    stdout: "piped",
  }).spawn();
  const reader = parent.stdout.getReader();
  const { value } = await reader.read();
  const pid = Number(new TextDecoder().decode(value));
  parent.kill("SIGKILL");
  await parent.status;
  await reader.cancel();
  // The orphan may be reaped late, as a zombie without a command line.
  const lives = () => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`) !== "";
    } catch {
      return false;
    }
  };
  while (lives()) await new Promise((resolve) => setTimeout(resolve, 20));
});
