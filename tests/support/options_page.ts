/**
 * Generates the reference page of a run's options, `docs/options.md`, from the tables of options.
 *
 * @module
 */
import { sweepDefault, trainDefault } from "../../lib/cli/run_defaults.ts";
import { flagOf, SWEEP_FIELDS } from "../../lib/cli/run_flags.ts";
import { DATA_FIELDS } from "../../lib/options/data_fields.ts";
import { LOOP_FIELDS } from "../../lib/options/loop_fields.ts";
import { MODEL_FIELDS } from "../../lib/options/model_fields.ts";
import type { RunField } from "../../lib/options/run_field.ts";
import { TRAINER_FIELDS } from "../../lib/options/trainer_fields.ts";
import { WHOLE_FIELDS } from "../../lib/options/whole_fields.ts";

/** Path of the page. */
export const OPTIONS_PAGE = "docs/options.md";

const PARTS: readonly (readonly [title: string, fields: Readonly<Record<string, RunField>>])[] = [
  ["Text", DATA_FIELDS],
  ["Run", WHOLE_FIELDS],
  ["Model", MODEL_FIELDS],
  ["Trainer", TRAINER_FIELDS],
  ["Loop", LOOP_FIELDS],
];

/** Returns the page. */
export function optionsPage(): string {
  return `# Options

<!-- Generated from lib/options/ by \`deno task build:options\`. Edit the tables there. -->

This page lists the fields of a run's spec. \`train\` and \`sweep\` have a flag for every field. In the spec of a
sweep, some fields are lists with another name, such as \`seq\` for \`T\`. [Specs](specs.md) describes spec files.
Blocks count from 0: \`h.0\` is the first block. The default architecture is GPT-2's: \`norm\`, \`position\`,
\`activation\`, \`bias\` and \`tiedHead\`. The default sizes are smaller. [Models](models.md) lists the values of
LLaMA.

In the library, \`lk.gpt\` takes the model options, \`lk.createTrainer\` the trainer options, and \`lk.train\` those
of trainer and loop. There, T is \`blockSize\` and B is \`batchSize\`; \`lk.gpt\` also requires \`vocabSize\`. In help
texts, a window is a sequence of T tokens. Without \`steps\`, \`lk.train\` trains 500 steps, and
\`lk.createTrainer\` has no last step. With the schedule \`wsd\`, their \`decaySteps\` is a tenth of \`steps\` by
default.
${PARTS.map(([title, fields]) => `\n## ${title}\n\n${tableOf(fields)}`).join("")}`;
}

function tableOf(fields: Readonly<Record<string, RunField>>): string {
  const rows = [
    ["option", "flag", "values", "default", "description"],
    ...Object.entries(fields).map(([name, field]) => [
      ...[
        code(name),
        flagsOf(name, field),
        valuesOf(field),
        defaultOf(name, field),
        descriptionOf(field),
      ],
    ]),
  ].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  return `${
    [lines[0], `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines.slice(1)].join("\n")
  }\n`;
}

/** Returns the flag of `train`, and that of `sweep` if they differ. */
function flagsOf(name: string, field: RunField): string {
  if (field.flag === undefined) return "";
  const flag = code(flagOf(name, field));
  const [own, listed] = SWEEP_FIELDS.find(([own]) => own === (field.list?.name ?? name)) ?? [];
  if (own === undefined || listed === undefined) return `${flag} of \`train\``;
  const other = code(flagOf(own, listed));
  return other === flag ? flag : `${flag}; list \`${own}\`: ${other}`;
}

/** Formats a bound: `1,048,576`, `1e-8`. */
function number(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
}

/** Describes the values of a field. */
function valuesOf({ type, choices, least, most, above, below }: RunField): string {
  if (choices !== undefined) return choices.map(code).join(", ");
  if (type === "flag") return "`true`, `false`";
  if (type === "text") return "text";
  if (type === "overrides") return "list of overrides";
  const bounds = [
    above === undefined ? `at least ${number(least ?? 0)}` : `above ${number(above)}`,
    ...(below === undefined
      ? most === undefined || most > 1e15 ? [] : [`at most ${number(most)}`]
      : [`below ${below}`]),
  ];
  return `${type === "number" ? "number" : "whole number"} ${bounds.join(" and ")}${
    type === "tokens" ? ", or `all`" : ""
  }`;
}

/** Returns the default of `train`, and that of `sweep` if it differs. */
function defaultOf(name: string, field: RunField): string {
  if (field.defaultDoc !== undefined) return field.defaultDoc;
  const own = shown(trainDefault(name) ?? field.default);
  const other = shown(name === "B" ? "1,024 / T" : sweepDefault(field.list?.name ?? name) ?? field.default);
  return other === own ? own : `${own}; in \`sweep\` ${other}`;
}

function shown(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? code(value.join(",")) : code(String(value) || "empty");
}

/** Returns the description of an option, and notes a flag that turns it off. */
function descriptionOf({ doc, flagDoc }: RunField): string {
  return flagDoc === undefined ? doc : `${doc} (the flag sets ${code("false")})`;
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) Deno.writeTextFileSync(OPTIONS_PAGE, optionsPage());
