/** `losskit completions SHELL`: prints a script that completes commands and options in bash, zsh or fish. */
import { Argument, type Command, type Option } from "commander";
import { shellWord } from "../file/shell_word.ts";
import { command } from "./command.ts";

/** An option or a subcommand, as offered by the shell. */
interface Word {
  readonly text: string;
  readonly about: string;
}

/** A command to complete. */
export interface CompletedCommand {
  /** Name of the command. */
  readonly name: string;
  /** Description in one line. */
  readonly about: string;
  /** Returns the command with its options. */
  readonly load: () => Promise<{ readonly program: Command }>;
}

/** A command with its words. The shell completes its values as file names. */
interface Completed {
  readonly name: string;
  readonly about: string;
  readonly words: readonly Word[];
}

const SCRIPTS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = { bash, zsh, fish };

/** Creates the command that prints a shell script which completes the given commands. */
export function completionsOf(commands: readonly CompletedCommand[]): Command {
  return command("completions", "Print a script that completes commands and options in a shell.")
    .addArgument(new Argument("<shell>", "shell that reads the script").choices(Object.keys(SCRIPTS)))
    .addHelpText(
      "after",
      `
Examples:
  bash  losskit completions bash > ~/.local/share/bash-completion/completions/losskit
  zsh   losskit completions zsh > "\${fpath[1]}/_losskit"
  fish  losskit completions fish > ~/.config/fish/completions/losskit.fish`,
    )
    .action(async (shell: string) => {
      const loaded = await Promise.all(
        commands.map(async ({ name, about, load }) => ({
          ...{ name, about },
          words: wordsOf((await load()).program),
        })),
      );
      console.log(SCRIPTS[shell]!(loaded));
    });
}

/** Returns the options, subcommands and fixed arguments of a command, and the options of its subcommands. */
function wordsOf(program: Command): Word[] {
  const options = [program, ...program.commands].flatMap(({ options }) => options.map(wordOf));
  const all = [
    ...program.registeredArguments.flatMap(({ argChoices = [], description }) =>
      argChoices.map((text) => ({ text, about: description }))
    ),
    ...program.commands.map((inner) => ({ text: inner.name(), about: inner.description() })),
    ...options,
    { text: "--help", about: "print the options" },
  ];
  return [...new Map(all.map((word) => [word.text, word])).values()];
}

function wordOf({ long, short, description }: Option): Word {
  return { text: long ?? short!, about: shortened(description) };
}

/** Returns the first clause of a description. If the clause ends in parentheses, returns the words before them. */
function shortened(description: string): string {
  const clause = description.split(/[.;:] /)[0]!;
  return clause.replace(/\s*\([^)]*$/, "");
}

function listOf(words: readonly { readonly text: string }[]): string {
  return words.map(({ text }) => text).join(" ");
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, words }) => `    ${name}) words=${shellWord(listOf(words))} ;;`);
  return `# bash completion of losskit
_losskit() {
  local word=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${shellWord(commands.map(({ name }) => name).join(" "))} -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _losskit losskit`;
}

function zsh(commands: readonly Completed[]): string {
  const described = (words: readonly Word[]) =>
    words.map(({ text, about }) => shellWord(`${text}:${about}`)).join(" ");
  const names = commands.map(({ name, about }) => ({ text: name, about }));
  const cases = commands.map(({ name, words }) => `    ${name}) offered=(${described(words)}) ;;`);
  return `#compdef losskit
_losskit() {
  local -a offered
  if (( CURRENT == 2 )); then
    offered=(${described(names)})
    _describe command offered
    return
  fi
  case $words[2] in
${cases.join("\n")}
  esac
  _describe option offered || _files
}
# The first completion in a shell runs this file as the body of _losskit.
if [ "$funcstack[1]" = "_losskit" ]; then _losskit "$@"; else compdef _losskit losskit; fi`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, about, words }) => [
    `complete -c losskit -n __fish_use_subcommand -a ${name} -d ${shellWord(about)}`,
    ...words.map(({ text, about }) =>
      `complete -c losskit -n '__fish_seen_subcommand_from ${name}' ` +
      `${text.startsWith("--") ? `-l ${text.slice(2)}` : `-a ${text}`} -d ${shellWord(about)}`
    ),
  ]);
  return `# fish completion of losskit\n${lines.join("\n")}`;
}
