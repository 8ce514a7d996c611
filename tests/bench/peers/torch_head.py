"""PyTorch's side of the head alone: F.cross_entropy on full logits, with the gradients of hidden states and table."""

import argparse
import ctypes
import json
import statistics
import time

import torch
from torch.nn import functional as F

parser = argparse.ArgumentParser(description=__doc__)
for flag in ["n", "vocab", "n-embd", "threads"]:
    parser.add_argument(f"--{flag}", type=int, required=True)
parser.add_argument("--precision", required=True)
args = parser.parse_args()
torch.set_num_threads(args.threads)


def values(count, spread):
    return ((torch.arange(count, dtype=torch.float64) * 0.618033988749895) % 1 - 0.5).mul_(spread).float()


def make_targets():
    high, state, targets = max(1, args.vocab * 3 // 10), 1337, []
    for _ in range(args.n):
        state = (state * 1664525 + 1013904223) % 2**32
        targets.append(((state >> 8) % high * 7 + 3) % args.vocab)
    return torch.tensor(targets)


hidden = values(args.n * args.n_embd, 4).view(args.n, args.n_embd).requires_grad_()
table = values(args.vocab * args.n_embd, 0.4).view(args.vocab, args.n_embd).requires_grad_()
targets = make_targets()


def run():
    hidden.grad = table.grad = None
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bf16-autocast"):
        loss = F.cross_entropy(hidden @ table.T, targets)
    loss.backward()
    return loss.item()


def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


loss = run()
hidden.grad = table.grad = None
ctypes.CDLL(None).malloc_trim(0)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
run()
peak = status("VmHWM") - before
times = []
for _ in range(5):
    begin = time.perf_counter()
    run()
    times.append((time.perf_counter() - begin) * 1e3)
print(json.dumps({"library": "torch", "loss": loss, "peak_mb": peak, "median_ms": statistics.median(times)}))
