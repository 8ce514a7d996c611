"""What the peers share: flags, the same weights and batches as losskit's side, timing, one line of JSON.

A peer trains the GPT or LLaMA that losskit trains, from the weights of a safetensors file, in its own library's fastest usual form.
"""

import argparse
import json
import os
import resource
import statistics
import struct
import sys
import time


def read_flags(description, modes):
    parser = argparse.ArgumentParser(description=description)
    for flag, default in [("n-layer", 4), ("n-head", 4), ("n-embd", 128), ("vocab", 65), ("seq", 64), ("batch", 12)]:
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--architecture", choices=["gpt2", "llama"], default="gpt2")
    parser.add_argument("--n-kv-head", type=int, help="heads of keys and values (default: --n-head)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps")
    parser.add_argument("--warmup", type=int, default=3, help="untimed steps before them")
    parser.add_argument("--precision", choices=["float32", "bf16-autocast"], default="float32")
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--weights", required=True, help="initial weights, safetensors in float32")
    args = parser.parse_args()
    args.n_kv_head = args.n_kv_head or args.n_head
    return args


def read_weights(path):
    """Name -> (shape, bytes) of a safetensors file in float32."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    start = 8 + length
    return {
        name: (entry["shape"], bytearray(data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def make_batches(args):
    """Lists of token ids, one a step, and their targets: the numbers of `batches.ts`."""
    high, state = max(1, args.vocab * 3 // 10), 1337
    for _ in range(args.warmup + args.steps):
        ids = []
        for _ in range(args.batch * args.seq):
            state = (state * 1664525 + 1013904223) % 2**32
            ids.append((state >> 8) % high)
        yield ids, [(token * 7 + 3) % args.vocab for token in ids]


def run(args, name, version, import_ms, to_array, step):
    """Calls `step(ids, targets) -> loss` for every batch, as arrays [B, T], and prints what it took."""
    times, losses = [], []
    batches = [(to_array(ids), to_array(targets)) for ids, targets in make_batches(args)]
    cpu = 0.0
    for i, (ids, targets) in enumerate(batches):
        if i == args.warmup:
            cpu = time.process_time()
        begin = time.perf_counter()
        losses.append(step(ids, targets))
        times.append((time.perf_counter() - begin) * 1e3)
    cpu = (time.process_time() - cpu) * 1e3 / args.steps
    timed = sorted(times[args.warmup :])
    middle = statistics.median(timed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    config = {key: value for key, value in vars(args).items() if key not in ("weights", "precision", "mode")}
    print(json.dumps({
        "library": name, "version": version, "mode": args.mode, "precision": args.precision, "config": config,
        "first_step_ms": times[0], "median_step_ms": middle, "min_step_ms": timed[0],
        "p90": timed[min(len(timed) - 1, int(0.9 * len(timed)))], "tokens_per_s": args.batch * args.seq / middle * 1e3,
        "cpu_step_ms": cpu, "peak_rss_mb": peak, "import_ms": import_ms,
        "first_loss": losses[0], "third_loss": losses[min(2, len(losses) - 1)], "last_loss": losses[-1],
    }))
