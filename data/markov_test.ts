import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../lib/error/user_error.ts";
import { corpusText } from "../lib/text/mod.ts";
import { isMarkovName, loadMarkov } from "./markov.ts";

Deno.test("loadMarkov() generates a corpus whose name lists all parameters", () => {
  const { corpus, source } = loadMarkov("markov:length=5000,symbols=4");
  assertEquals(corpus.name, "markov:symbols=4,order=1,peak=3,length=5000,seed=1");
  assertEquals([corpus.bytes, new Set(corpusText(corpus))], [5000, new Set("abcd")]);
  assertEquals(corpusText(corpus), source.generate(5000));
  const again = loadMarkov(corpus.name).corpus;
  assertEquals([again.name, again.sha256], [corpus.name, corpus.sha256]);
  assert(loadMarkov("markov:length=5000,symbols=4,seed=2").corpus.sha256 !== corpus.sha256);
});

Deno.test("isMarkovName() accepts markov with and without parameters", () => {
  assertEquals(
    ["markov", "markov:", "markov:order=2", "markov.txt", "Markov", "./markov"].map(isMarkovName),
    [
      ...[true, true, true, false, false, false],
    ],
  );
});

Deno.test("loadMarkov() refuses a malformed name and states the reason", () => {
  const cases: [string, string][] = [
    [
      "markov:states=3",
      'expected a known parameter, got "states". Write markov, or markov: and some of symbols=16,order=1,peak=3,length=1000000,seed=1.',
    ],
    ["markov:symbols", 'expected an integer for symbols, got "symbols"'],
    ["markov:symbols=", 'expected an integer for symbols, got ""'],
    ["markov:symbols=1e3", 'got "1e3"'],
    ["markov:symbols=-2", 'got "-2"'],
    ["markov:symbols=2=3", 'got "2=3"'],
    ["markov:symbols=2,symbols=2", "got symbols twice"],
    ["markov:symbols=99", "expected an integer from 2 to 64 for symbols, got 99"],
    ["markov:length=10", "expected a length of 100 to 134,217,728 characters, got 10"],
    ["markov:length=99999999999", "expected a length"],
    ["markov:constructor=1", 'expected a known parameter, got "constructor"'],
    [`markov:seed=${2 ** 53}`, "expected an integer for seed"],
  ];
  for (const [name, message] of cases) assertThrows(() => loadMarkov(name), UserError, message);
});
