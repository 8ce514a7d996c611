import { assertEquals, assertThrows } from "@std/assert";
import { diskFault, writing } from "./disk_fault.ts";
import { UserError } from "./user_error.ts";

Deno.test("writing() names the file and the cause of a persistent fault", () => {
  const full = () => Deno.writeTextFileSync("/dev/full", "x");
  assertThrows(
    () => writing("runs/journal.jsonl", full),
    UserError,
    "Cannot write runs/journal.jsonl: No space left",
  );
  assertThrows(() => writing("x", () => Deno.readTextFileSync("/none")), Deno.errors.NotFound);
  assertEquals(writing("x", () => 3), 3);
});

Deno.test("diskFault() recognizes persistent faults by code or errno", () => {
  const numbered = (n: number) => diskFault(new Error(`Disk quota exceeded (os error ${n})`));
  assertEquals([122, 28, 30, 13, 24, 5, 4].map(numbered), [
    "EDQUOT",
    "ENOSPC",
    "EROFS",
    "EACCES",
    "EMFILE",
    undefined,
    undefined,
  ]);
  assertEquals(diskFault(Object.assign(new Error("full"), { code: "ENOSPC" })), "ENOSPC");
  assertEquals([diskFault("x"), diskFault(new Error("x"))], [undefined, undefined]);
});
