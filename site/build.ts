/**
 * `deno task docs`: writes the documentation as a folder of static pages: README, guides, notebooks with their outputs, and the
 * public names with their docstrings. VitePress, TypeDoc and linkinator are installed in this folder, which has its own lock.
 *
 * @module
 */
import { join } from "node:path";
import { command, runCommand, STATUS } from "../lib/cli/command.ts";
import { UserError } from "../lib/error/user_error.ts";
import { typedocOptions } from "./api.ts";
import { checkLinks, runGenerator } from "./generators.ts";
import { writePages } from "./pages.ts";
import { sidebarOf } from "./sidebar.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const DIST = join(ROOT, "site", "dist");

/**
 * Builds the pages and checks all internal links.
 *
 * @param base Path of the site at its server, with a slash at both ends.
 * @returns Folder of the first page.
 * @throws {UserError} If `base` is not a path, a program fails, or a link is dead.
 */
export async function buildSite(base: string): Promise<string> {
  if (!/^\/([\w.-]+\/)*$/.test(base)) {
    throw new UserError(
      `Cannot build the site: expected --base with a slash at both ends, got ${
        JSON.stringify(base)
      }. Use a path such as /losskit/.`,
    );
  }
  await Deno.remove(DIST, { recursive: true }).catch(() => {});
  const pages = join(DIST, "pages"), served = join(DIST, "site");
  const { version } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json")));
  writePages(ROOT, pages);
  await runGenerator("install the generators", ["install", "--frozen"]);
  const options = await typedocOptions(ROOT, DIST, join(pages, "api"));
  await runGenerator("document the library", ["run", "-A", "npm:typedoc", "--options", options]);
  const site = { base, version, sidebar: sidebarOf(pages) };
  Deno.writeTextFileSync(join(DIST, "site.json"), JSON.stringify(site));
  await runGenerator("build the pages", ["run", "-A", "npm:vitepress", "build"]);
  await checkLinks(served, base);
  return join(served, base);
}

const program = command("docs", "Build the documentation as static pages.", {
  ...STATUS.done,
  ...STATUS.badInput,
})
  .option("--base <path>", "path of the site at its server", "/")
  .action(async ({ base }: { base: string }) => console.log(`documentation: ${await buildSite(base)}`));

if (import.meta.main) await runCommand(program, Deno.args);
