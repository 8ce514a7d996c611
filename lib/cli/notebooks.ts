/** `deno task notebooks`: runs notebooks without Jupyter, or checks that their outputs are up to date. */
import type { Command } from "commander";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { runNotebooks } from "../notebook/run_notebooks.ts";
import { append, command, runCommand, STATUS } from "./command.ts";
import { numberOption } from "./numbers.ts";

/** Default output folder of notebooks with parameters. Files in `notebooks/` keep the outputs of their default values. */
const DEFAULT_OUT = "experiments/out/notebooks";

interface Options {
  param?: string[];
  out?: string;
  html?: string;
  check?: boolean;
  timeout?: number;
}

export const program: Command = command(
  "notebooks",
  "Run notebooks without Jupyter, and store the output of each cell in the notebook.",
  {
    ...STATUS.done,
    2: "invalid input, or a type error in a cell; nothing was run",
    3: "a notebook failed, or is stale (--check)",
    ...STATUS.stopped,
  },
)
  .usage("[options] [files...]")
  .argument("[files...]", "notebooks (default: all in notebooks/)")
  .option(
    "-p, --param <name=value>",
    "set a parameter of the notebook, for example -p T=128; repeatable",
    append,
  )
  .option(
    "--out <folder>",
    `folder of the executed notebooks (default: the notebooks are overwritten, or written to ${DEFAULT_OUT} if -p is given)`,
  )
  .option("--html <folder>", "also write each notebook as an HTML page to this folder")
  .option(
    "--check",
    "type-check the cells without running them, and fail if a cell, lib/ or a file that a cell reads has changed since the outputs were stored",
  )
  .option(
    "--timeout <seconds>",
    "time limit per notebook in seconds (default: 600)",
    numberOption("--timeout"),
  )
  .action(async (files: string[], options: Options) => {
    const { param = [] } = options;
    const parameters = Object.fromEntries(param.map(split));
    Deno.exitCode = await runNotebooks(files.length > 0 ? files : allNotebooks(), {
      parameters,
      out: options.out ?? (param.length > 0 ? DEFAULT_OUT : undefined),
      html: options.html,
      check: options.check,
      timeout: options.timeout,
      print: (line) => console.log(line),
    });
  });

function split(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new UserError(`Cannot use -p: expected NAME=VALUE, such as T=128, got ${text}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function allNotebooks(): string[] {
  return [...Deno.readDirSync("notebooks")].filter(({ name }) => name.endsWith(".ipynb"))
    .map(({ name }) => join("notebooks", name)).sort();
}

if (import.meta.main) await runCommand(program, Deno.args);
