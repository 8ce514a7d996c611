/**
 * Programs that tests require: found on the PATH, or installed from Debian if possible.
 *
 * @module
 */

/** Returns the path of a program; undefined if the PATH does not contain it. */
export function findProgram(name: string): string | undefined {
  // The PATH of users may lack the folders of daemons.
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    const path = `${folder}/${name}`;
    try {
      if (folder !== "" && Deno.statSync(path).isFile) return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Installs packages if the user is root and apt-get exists; otherwise does nothing. */
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
