/** `deno task setup`: downloads libtensorflow, the Shakespeare corpus and packages in advance. */
import type { Command } from "commander";
import { runCommand } from "./command.ts";
import { loadSetup } from "./commands.ts";

export const { program }: { program: Command } = await loadSetup();

if (import.meta.main) await runCommand(program, Deno.args);
