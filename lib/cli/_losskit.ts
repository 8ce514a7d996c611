/**
 * All commands in one program, with the same code as the tasks of `deno.json`.
 *
 * @module
 */
import { Command } from "commander";
import { setCommandPrefix } from "../error/command_line.ts";
import { command, runCommand, STATUS } from "./command.ts";
import { type CommandEntry, COMMANDS, descriptionOf, ENTRIES, VERSION } from "./commands.ts";

/** Returns the program that prints the list of commands, the version, and the nearest name of an unknown command. */
function overview(): Command {
  const losskit = command("losskit", "Reproducible language-model loss experiments.", {
    ...STATUS.done,
    2: `${STATUS.badInput[2]}. The help of a command lists its further statuses`,
  })
    .usage("COMMAND [options]").version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this list, or the options of a command: losskit COMMAND --help")
    .helpCommand(false).showHelpAfterError("(see losskit --help)").configureHelp({
      subcommandTerm: (inner) => inner.name(), // without [options]
    });
  for (const [heading, entries] of Object.entries(COMMANDS)) {
    losskit.commandsGroup(heading);
    for (const { name } of entries) losskit.command(name).description(descriptionOf(name));
  }
  return losskit;
}

/** Runs one command. */
async function start({ load, without = [] }: CommandEntry, args: readonly string[]): Promise<void> {
  const { program } = await load();
  for (const name of without) Deno.permissions.revokeSync({ name });
  new Command("losskit").addCommand(program); // the help text names both
  await runCommand(program, args);
}

/**
 * Runs the command that the arguments name.
 *
 * @param args Name of the command and its arguments. Without arguments, the list of commands is printed.
 */
export async function runLosskit(args: readonly string[]): Promise<void> {
  setCommandPrefix(Deno.env.get("LOSSKIT_COMMAND") ?? "losskit");
  const [first = "--help", ...rest] = args;
  const [name, ...others] = first === "help" ? [...rest, "--help"] : [first, ...rest];
  const entry = ENTRIES.find((entry) => entry.name === name);
  if (entry !== undefined) await start(entry, others);
  else await runCommand(overview(), [name!, ...others]);
}
