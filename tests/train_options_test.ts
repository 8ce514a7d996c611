/**
 * Every option of a model, from the command line of `train` to the run.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { completeConfig, type FullGptConfig } from "../lib/model/config.ts";
import { decodeSafetensors, parameterShapes } from "../lib/model/mod.ts";
import { readRuns, runFolder, runPaths } from "../lib/record/mod.ts";
import { modelOf } from "../lib/run/mod.ts";
import { runTask, sampleText } from "./support/commands.ts";

/** Values that differ from GPT-2's, by flag. */
const FLAGS: readonly (readonly [field: keyof FullGptConfig, flag: string[], value: unknown])[] = [
  ["nLayer", ["--n-layer", "1"], 1],
  ["nHead", ["--n-head", "2"], 2],
  ["nEmbd", ["--n-embd", "16"], 16],
  ["vocabSize", ["--vocab", "270"], 270],
  ["blockSize", ["--seq", "8"], 8],
  ["bias", ["--without-bias"], false],
  ["tiedHead", ["--untied-head"], false],
  ["dropout", ["--dropout", "0.25"], 0.25],
  ["qkNorm", ["--qk-norm"], true],
  ["logitSoftCap", ["--logit-soft-cap", "30"], 30],
  ["attentionSoftCap", ["--attention-soft-cap", "50"], 50],
  ["initStd", ["--init-std", "0.05"], 0.05],
  ["activation", ["--activation", "swiglu"], "swiglu"],
  ["layerNormEps", ["--layer-norm-eps", "1e-6"], 1e-6],
  ["nInner", ["--n-inner", "24"], 24],
  ["norm", ["--norm", "rmsNorm"], "rmsNorm"],
  ["position", ["--position", "rotary"], "rotary"],
  ["ropeTheta", ["--rope-theta", "5000"], 5000],
  ["ropeScaling", ["--rope-scaling", "linear:2"], "linear:2"],
  ["nKvHead", ["--n-kv-head", "1"], 1],
];

Deno.test("train has a flag for every option of a model, and --describe shows the model", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const text = join(folder, "text.txt"), out = join(folder, "run");
    await Deno.writeTextFile(text, sampleText());
    const flags = ["--data", text, ...FLAGS.flatMap(([, flag]) => flag)];
    const wanted = Object.fromEntries(
      FLAGS.map(([field, , value]) => [field, value]),
    ) as unknown as FullGptConfig;
    assertEquals(
      Object.keys(wanted).sort(),
      Object.keys(completeConfig(wanted)).sort(),
      "an option has no flag",
    );

    const described = await runTask("train", [...flags, "--describe", "--out", out]);
    assertEquals(described.code, 0, described.stderr);
    assertMatch(described.stdout, /^attention +2 heads of 8, 1 for k and v, q and k normed/m);
    assertMatch(described.stdout, /^head +16 × 270 +4,320$/m);
    assertEquals([...Deno.readDirSync(folder)].length, 1, "--describe trains nothing");

    const training = [
      "--steps",
      "2",
      "--batch",
      "4",
      "--z-loss",
      "1e-4",
      "--eval-tokens",
      "64",
      "--out",
      out,
    ];
    const { code, stderr } = await runTask("train", [...flags, ...training]);
    assertEquals(code, 0, stderr);
    const [run] = readRuns(out);
    const config = modelOf(run!.manifest.spec, 270);
    assertEquals(completeConfig(config), wanted);
    assertEquals(run!.manifest.spec.zLoss, 1e-4);
    const { checkpoint, log } = runPaths(runFolder(out, run!.manifest.runId));
    const { tensors } = decodeSafetensors(await Deno.readFile(checkpoint), checkpoint);
    for (const [name, shape] of Object.entries(parameterShapes(config))) {
      assertEquals(tensors[name]!.shape, shape, name);
    }
    const [first] = (await Deno.readTextFile(log)).split("\n");
    assert(
      first!.startsWith("nLayer 1, nHead 2, nEmbd 16, vocabSize 270, blockSize 8, dropout 0.25, bias false,"),
      first,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
