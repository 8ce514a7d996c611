/**
 * Opens an address in the user's browser.
 *
 * @module
 */

/** Programs that open an address, by operating system. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  windows: ["cmd", "/c", "start", ""],
};

/**
 * Opens an address with the program in the environment variable `BROWSER`, or with the system's default program.
 * Returns false if the program cannot be started.
 */
export function openInBrowser(url: string): boolean {
  const own = Deno.env.get("BROWSER");
  const [program, ...args] = own ? [own] : OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    new Deno.Command(program!, { args: [...args, url], stdin: "null", stdout: "null", stderr: "null" })
      .spawn().unref();
    return true;
  } catch {
    return false;
  }
}
