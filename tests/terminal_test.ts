/**
 * Output of a sweep and a comparison on a terminal of 60 columns, without colors, and into a pipe. `script` creates the
 * terminal.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { widthOf } from "../lib/progress/width.ts";
import { root, specOf } from "./support/tiny_sweep.ts";

const MAIN = new URL("../lib/cli/main.ts", import.meta.url).pathname;

/** Runs losskit in a terminal of 60 columns, or with a pipe. Returns all that it prints. */
async function losskit(args: string, { env = "", piped = false } = {}): Promise<string> {
  const line =
    `env -u NO_COLOR -u FORCE_COLOR TERM=xterm ${env} ${Deno.execPath()} run -A --no-check ${MAIN} ${args}`;
  const [program, words] = piped
    ? ["sh", ["-c", `${line} 2>&1`]] as const
    : ["script", ["-qec", `stty cols 60 rows 24; ${line}`, "/dev/null"]] as const;
  const { code, stdout } = await new Deno.Command(program, { args: [...words], cwd: root, stdin: "null" })
    .output();
  const text = new TextDecoder().decode(stdout);
  assert(code === 0 || code === 2, text);
  return text;
}

/** Returns the lines that a terminal shows, without the ones that are redrawn. */
const plainLines = (text: string) => stripVTControlCharacters(text).replaceAll("\r\n", "\n").split("\n");

/** Returns text with the escape sequences of colors as `<NUMBER>`. */
const visible = (text: string) => text.replaceAll("\x1b[", "<").replaceAll(/(<\d+)m/g, "$1>");

const spec = await specOf("colors", { policy: ["float32", "bf16-autocast"], seeds: [1, 2] });
const out = join(root, "colors");

Deno.test("a sweep on a terminal of 60 columns colors bars and verdicts, and no line is wider", async () => {
  const text = await losskit(`sweep ${spec} --out ${out} --workers 1`);
  assertStringIncludes(text, "\x1b[36m█");
  assertMatch(visible(text), / {2}<\d+>(stable|within noise|undecided|degraded|improved)<39>/);
  const lines = plainLines(text).filter((line) => !line.startsWith("report:") && !line.startsWith("next:"));
  assertEquals(lines.filter((line) => widthOf(line) > 60 && !line.includes(out)), []);
  assertStringIncludes(text, "4 of 4 runs finished");
  const plan = plainLines(text).filter((line) => /^\d+ runs|\b(at a time|each)\b/.test(line));
  assertMatch(plan.join(" "), /^4 runs \([\d.]+[KM]? tokens\) .* at a time, \d+ threads? each$/);
  assertEquals(plan.filter((line) => widthOf(line) > 60), []);
});

Deno.test("report, plan and explain fit a terminal of 60 columns; tables are whole in a pipe", async () => {
  const report = `report ${out}`;
  const runs = [...Deno.readDirSync(join(out, "runs"))].map(({ name }) => name);
  const lines = plainLines(await losskit(report)).filter((line) => !line.includes(out));
  assertEquals(lines.filter((line) => widthOf(line) > 60), []);
  for (const command of [`plan ${spec}`, `explain ${join(out, "runs", runs[0]!)}`]) {
    const wide = plainLines(await losskit(command)).filter((line) => widthOf(line) > 60);
    assertEquals(wide.filter((line) => line.includes("  ")), []);
    assertEquals(wide.filter((line) => !/\S{30}/.test(line)), []); // a path or a hash has no place to break
  }
  const piped = plainLines(await losskit(report, { piped: true }));
  assert(piped.some((line) => /val gap .*largest gap .*speed$/.test(line)));
});

Deno.test("without a terminal, with NO_COLOR, FORCE_COLOR=0 or TERM=dumb, nothing is colored; FORCE_COLOR colors a pipe", async () => {
  const compare = `compare ${out} --culprit none`;
  const onTerminal = await losskit(compare);
  assertMatch(visible(onTerminal), /<3\d>/);
  for (const env of ["NO_COLOR=1", "FORCE_COLOR=0", "TERM=dumb"]) {
    const text = await losskit(compare, { env });
    assert(!/<3\d>/.test(visible(text)), env);
    assertEquals(plainLines(text), plainLines(onTerminal));
  }
  const piped = await losskit(compare, { piped: true });
  assert(!piped.includes("\x1b"));
  const forced = await losskit(compare, { piped: true, env: "FORCE_COLOR=1" });
  assertMatch(visible(forced), /<3\d>/);
  assertEquals(stripVTControlCharacters(forced), piped);
});

Deno.test("an error is red on a terminal, and a name with an escape sequence stays without effect", async () => {
  const text = await losskit("report 'gone\x1b[32m'");
  assertStringIncludes(text, "\x1b[31mCannot \x1b[39m");
  assert(!text.includes("\x1b[32m"), text);
});

Deno.test("after Ctrl-C on a terminal of 60 columns, no line of the sweep's end is wider", async () => {
  const long = await specOf("long", { policy: ["float32"], seeds: [1], steps: 1_000_000 });
  const line = `${Deno.execPath()} run -A --no-check ${MAIN} sweep ${long} --out ${join(root, "long")}`;
  // exec: dash, unlike bash, keeps running as the parent of its last command, and Ctrl-C would end it first.
  const child = new Deno.Command("script", {
    args: ["-qec", `stty cols 60 rows 24; exec env TERM=xterm ${line}`, "/dev/null"],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const keys = child.stdin.getWriter();
  let text = "", isPressed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (isPressed || !/[1-9]\d* of 1000000 steps/.test(text)) continue;
    isPressed = true;
    await keys.write(new TextEncoder().encode("\x03"));
  }
  await keys.close().catch(() => {}); // script has ended
  assertEquals((await child.status).code, 75, text);
  const end = plainLines(text.slice(text.indexOf("stopping after")));
  assertStringIncludes(text, "Press Ctrl-C again to stop at once");
  assertEquals(end.filter((line) => widthOf(line) > 60), []);
});
