import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import {
  byteSizeOption,
  durationOption,
  type NumberFlag,
  numberOf,
  numberOption,
  numeric,
} from "./numbers.ts";

Deno.test("numeric() parses decimal numbers only", () => {
  const numbers = {
    "12": 12,
    " 1.5 ": 1.5,
    "-1": -1,
    "1e-5": 1e-5,
    ".5": 0.5,
    "2.": 2,
    "+3": 3,
    "1E3": 1000,
  };
  for (const [text, number] of Object.entries(numbers)) assertEquals(numeric(text), number);
  for (const text of ["", " ", "NaN", "Infinity", "0x10", "0b1", "1_000", "1e999", "1,5", "1e", "."]) {
    assertEquals(numeric(text), text);
  }
});

Deno.test("numberOf() accepts the bounds of a range, and rejects values outside with one sentence", () => {
  const ends: [NumberFlag, number[]][] = [
    ["--threads", [1, 1024]],
    ["--workers", [1, 1024]],
    ["--retries", [0, 1000]],
    ["--port", [0, 65535]],
    ["--temperature", [0, 0.5, 1000]],
    ["--level", [0.5, 0.999]],
    ["--seed", [0, Number.MAX_SAFE_INTEGER]],
  ];
  for (const [flag, values] of ends) {
    for (const value of values) assertEquals(numberOption(flag)(String(value)), value);
  }
  for (const text of ["0", "-1", "1.5", "1025", "1e9", "1e308", "NaN", "Infinity", "0x10", "", " ", "two"]) {
    const { message } = assertThrows(() => numberOf("--threads", text), UserError);
    assertMatch(message, /^Cannot use --threads: expected a whole number from 1 to 1,024, got .+\.$/);
  }
  for (const text of ["0", "1", "-0.1", "1e308"]) {
    assertThrows(() => numberOf("--level", text), UserError, "expected a number above 0 and below 1, got");
  }
});

Deno.test("durationOption() and byteSizeOption() parse units, and reject implausible values", () => {
  const time = durationOption("--time-limit"), size = byteSizeOption("--memory-limit");
  assertEquals(["90", "1.5s", "10m", "2h"].map(time), [90, 1.5, 600, 7200]);
  assertEquals(["800MB", "2GB", "7", "1kB"].slice(0, 2).map(size), [8e8, 2e9]);
  for (const text of ["0", "0s", "-1s", "1d", "1e3", "99999999h", "", "NaN", "0x10s"]) {
    assertThrows(() => time(text), UserError, "Cannot use --time-limit: expected a time such as 90s");
  }
  for (const text of ["0B", "-1GB", "2 apples", "9999999TB", "", "5"]) {
    assertThrows(() => size(text), UserError, "Cannot use --memory-limit: expected a size such as 800MB");
  }
});

Deno.test("every numeric option of a command has bounds in the table", () => {
  const folder = new URL("./", import.meta.url);
  const unbounded: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".ts") || name.endsWith("_test.ts")) continue;
    const source = Deno.readTextFileSync(new URL(name, folder));
    for (const [call, flag] of source.matchAll(OPTION)) {
      const body = source.slice(source.indexOf(call), source.indexOf("\n  .", source.indexOf(call)));
      if (
        !new RegExp(`(numberOption|durationOption|byteSizeOption|wholeSeconds|notation)\\("${flag}"`).test(
          body,
        )
      ) {
        unbounded.push(`${name} ${flag}`);
      }
    }
  }
  assertEquals(unbounded.sort(), OTHERS);
});

/** Options whose help shows a number, a time or a size. */
const OPTION = /\.option\(\s*"(--[a-z-]+) <(?:n|T|B|k|p|x|nats|share|seconds|time|size)>"/g;

/** Options that also take a word. */
const OTHERS = ["evaluate.ts --eval-bytes", "evaluate.ts --eval-tokens"];
