/**
 * Programs that tests need: found on the PATH, or installed from Debian where that is possible.
 *
 * @module
 */

/** The path of a program; undefined: it is not on the PATH. */
export function findProgram(name: string): string | undefined {
  // Daemons are kept where a user's PATH may not lead.
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    const path = `${folder}/${name}`;
    try {
      if (folder !== "" && Deno.statSync(path).isFile) return path;
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Installs packages, where this is root on a machine with apt-get; elsewhere nothing happens. */
export async function installFromDebian(packages: string[]): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return;
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    try {
      const { success } = await new Deno.Command("apt-get", {
        args,
        env: { DEBIAN_FRONTEND: "noninteractive" },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      if (!success) return;
    } catch {
      return; // no apt-get
    }
  }
}
