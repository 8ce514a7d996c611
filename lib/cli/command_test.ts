import { assertEquals } from "@std/assert";
import { overrides, policies } from "./command.ts";

Deno.test("policies() reads off and on, on by the device, and names as they are", () => {
  assertEquals(policies("off, on", () => "cpu"), ["float32", "bf16-autocast"]);
  assertEquals(policies("off,on", () => "gpu"), ["float32", "bf16-autocast-cuda"]);
  const never = (): never => {
    throw new Error("asked for the device");
  };
  assertEquals(policies("off,emulated:e4m3,fp16-autocast", never), [
    "float32",
    "emulated:e4m3",
    "fp16-autocast",
  ]);
});

Deno.test("overrides() reads several", () => {
  assertEquals(overrides("softmax@h.1+h.2=e8m3, =float32"), [
    { layers: ["h.1", "h.2"], opClasses: ["softmax"], format: "e8m3" },
    { format: "float32" },
  ]);
});
