import { crc32 } from "node:zlib";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunEvent } from "./event.ts";
import { formatEvent, parseEvent } from "./event_line.ts";

const time = "2026-01-02T03:04:05.678Z", sha = "a".repeat(64);

Deno.test("formatEvent() and parseEvent() round-trip every type of event", () => {
  const events: RunEvent[] = [
    { event: "start", time, runId: "0123456789ab", seed: 7 },
    { event: "step", time, step: 1, loss: 4.1, lr: 1e-3, gradNorm: 2.5, tokensPerSecond: 5000 },
    { event: "eval", time, step: 0, loss: 4.2, bitsPerByte: 6.1, tokens: 1000, seconds: 0.5 },
    { event: "eval", time, step: 1, loss: 4, bitsPerByte: 6, tokens: 1000, seconds: 0.5, peakBytes: 7e8 },
    { event: "checkpoint", time, step: 1, sha256: sha },
    { event: "resume", time, step: 1 },
    { event: "finish", time, step: 1, seconds: 2, checkpointSha256: sha },
    { event: "finish", time, step: 1, seconds: 2, peakBytes: 7e8, checkpointSha256: sha },
    {
      ...{ event: "nonFinite", time, step: 3, evaluation: true, pass: "update", layer: "h.0" },
      ...{ opClass: "optimizer", op: "rounding to e2m3", parameter: "h.0.ln_1.weight" },
      inputs: [{ format: "float32", shape: [2, 3], min: -1, max: 4, nonFinite: 0, largest: 3.4e38 }],
      output: { format: "e2m3", shape: [2, 3], min: NaN, max: NaN, nonFinite: 1, largest: 3.75 },
    },
    { event: "fail", time, message: "no \n end \u2028 \u0000" },
  ];
  for (const event of events) {
    const line = formatEvent(event);
    assertEquals(line.includes("\n"), false);
    assertEquals(parseEvent(line), { event });
  }
});

Deno.test("formatEvent() writes the names of numbers that JSON lacks, and parseEvent() restores them", () => {
  const event: RunEvent = {
    event: "step",
    time,
    step: 3,
    loss: NaN,
    lr: 0.1 + 0.2,
    gradNorm: Infinity,
    tokensPerSecond: -Infinity,
  };
  const line = formatEvent(event);
  assertStringIncludes(line, '"loss":"NaN"');
  assertStringIncludes(line, '"gradNorm":"Infinity"');
  assertStringIncludes(line, '"tokensPerSecond":"-Infinity"');
  const parsed = parseEvent(line);
  assert("event" in parsed && parsed.event.event === "step");
  assert(Number.isNaN(parsed.event.loss));
  assertEquals(parsed.event.gradNorm, Infinity);
  assertEquals(parsed.event.tokensPerSecond, -Infinity);
  assertEquals(parsed.event.lr, 0.1 + 0.2);
});

Deno.test("parseEvent() describes the problem of a line", () => {
  const step = { event: "step", time, step: 1, loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1 };
  const problems: [unknown, string][] = [
    [{ ...step, loss: null }, "loss"],
    [{ ...step, loss: "nan" }, "loss"],
    [{ ...step, step: 1.5 }, "step"],
    [{ ...step, step: -1 }, "step"],
    [{ ...step, step: 2 ** 53 }, "step"],
    [{ ...step, time: 5 }, "time"],
    [{ ...step, time: undefined, extra: 1 }, "time"],
    [{ ...step, tokensPerSecond: "1" }, "tokensPerSecond"],
    [{ ...step, los: 1 }, "los"],
    [{ event: "stop", time }, "event"],
    [[], "event"],
    [{ event: "checkpoint", time, step: 1, sha256: "abc" }, "sha256"],
  ];
  for (const [value, field] of problems) {
    const parsed = parseEvent(JSON.stringify(value));
    assert("problem" in parsed, JSON.stringify(value));
    assertStringIncludes(parsed.problem, field);
  }
  const broken = parseEvent('{"event":"step",');
  assert("problem" in broken);
  assertStringIncludes(broken.problem, "not JSON");
  // JSON.parse returns Infinity, which journals write as a string
  const huge = parseEvent(JSON.stringify(step).replace('"loss":1', '"loss":1e999'));
  assert("problem" in huge);
});

Deno.test("parseEvent() refuses a line with any single bit flipped", () => {
  const line = formatEvent({
    event: "step",
    time,
    step: 12,
    loss: 4.1,
    lr: 1e-3,
    gradNorm: 2,
    tokensPerSecond: 5,
  });
  const bytes = new TextEncoder().encode(line), decoder = new TextDecoder();
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert("problem" in parseEvent(decoder.decode(flipped)), decoder.decode(flipped));
  }
});

Deno.test("parseEvent() reads lines of version 0.1, which have no checksum", () => {
  const line = `{"event":"checkpoint","step":5,"sha256":"${sha}","time":"${time}"}`;
  assertEquals(parseEvent(line), { event: { event: "checkpoint", step: 5, sha256: sha, time } });
});

Deno.test("parseEvent() reads a step as JSON and the schema do, in the trainer's order of fields and in any other", () => {
  const numbers = [
    "0",
    "-0",
    "1",
    "10",
    "-1.5",
    "0.1",
    "4.42838191986084",
    "1e-7",
    "1E+2",
    "2.5e-300",
    "1.0",
    "1e999",
  ];
  const wrong = [
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "0x10",
    "--1",
    " 1",
    "1 ",
    "1_0",
    '"1"',
    "Infinity",
    "NaN",
    "null",
    "",
  ];
  const steps = [
    "0",
    "1",
    "12",
    "999999999999999",
    "9007199254740991",
    "9007199254740992",
    "-1",
    "1.5",
    "1e2",
    "01",
  ];
  const times = [time, "", "now", "\\u0041", '\\"', "\\", "\t"];
  const fields = {
    event: '"step"',
    step: "3",
    lr: "0.001",
    loss: "2.5",
    gradNorm: "1",
    tokensPerSecond: "5000",
  };
  const cases: Record<string, string>[] = [
    ...["lr", "loss", "gradNorm", "tokensPerSecond", "lossScale", "generation"].flatMap((name) =>
      [...numbers, ...wrong].map((text) => ({ ...fields, [name]: text }))
    ),
    ...["lossScale", "generation"].flatMap((name) =>
      ["2", "65536"].map((text) => ({ ...fields, [name]: text }))
    ),
    ...steps.map((step) => ({ ...fields, step })),
  ];
  const order = [
    "event",
    "step",
    "lr",
    "loss",
    "gradNorm",
    "lossScale",
    "tokensPerSecond",
    "generation",
    "time",
  ];
  const lineOf = (names: readonly string[], texts: Record<string, string>) => {
    const text = `{${
      names.filter((name) => name in texts).map((name) => `"${name}":${texts[name]}`).join(",")
    }`;
    return [`${text}}`, `${text},"crc":"${crc32(text).toString(16).padStart(8, "0")}"}`];
  };
  for (
    const texts of [
      ...cases.map((one) => ({ ...one, time: `"${time}"` })),
      ...times.map((text) => ({ ...fields, time: `"${text}"` })),
    ]
  ) {
    const [plain, sealed] = lineOf(order, texts).map(parseEvent);
    const [wanted, sealedWanted] = lineOf([...order].reverse(), texts).map(parseEvent);
    assertEquals(
      ["event" in plain!, "event" in sealed!],
      ["event" in wanted!, "event" in sealedWanted!],
      JSON.stringify(texts),
    );
    if (!("event" in wanted!)) continue;
    assertEquals(plain, wanted);
    assertEquals(sealed, wanted);
    assertEquals(plain, { event: JSON.parse(lineOf(order, texts)[0]!) });
  }
  const line = formatEvent({ event: "step", step: 1, lr: 1, loss: 1, gradNorm: 1, tokensPerSecond: 1, time });
  for (const digits of ["0000000", "00000000", "G0000000", "/0000000", ":0000000", "`0000000"]) {
    const { problem } = { problem: "", ...parseEvent(line.replace(/[0-9a-f]{8}"}$/, `${digits}"}`)) };
    assertStringIncludes(problem, digits.length === 8 ? `expected CRC-32 ${digits}` : "crc");
  }
  assert("problem" in parseEvent(line.replace(/[0-9a-f]{8}"}$/, (digits) => digits.toUpperCase())));
});
