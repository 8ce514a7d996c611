# requires: python 3.11, torch==2.15.0, numpy==2.4.6, safetensors==0.8.0
"""Trains the reference model of shakespeare.json in PyTorch, on the very weights and batches that losskit begins with.

    deno run -A experiments/reference/shakespeare.ts inputs FOLDER
    python experiments/reference/shakespeare_torch.py FOLDER > experiments/reference/shakespeare_torch.json
    python experiments/reference/shakespeare_torch.py FOLDER --policy bf16-autocast > .../shakespeare_torch_bf16.json

FOLDER holds settings.json, initial.safetensors, batches.i32 [steps, B, T + 1] and validation.i32. Nothing of losskit
runs here: the forward pass, the gradients, clipping and AdamW are PyTorch's, and so is autocast.

What is printed: the loss of the whole validation split before the first step and at every evaluation, the training losses
of the first ten steps, and the mean training loss of every hundred steps, in nats per character.
"""

import argparse
import json
import math
import pathlib
import platform
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

parser = argparse.ArgumentParser(description="Trains the reference model in PyTorch; prints JSON.")
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--policy", choices=["float32", "bf16-autocast"], default="float32")
parser.add_argument("--threads", type=int, help="default: the settings'")
args = parser.parse_args()
folder = args.folder
settings = {**json.loads((folder / "settings.json").read_text()), "policy": args.policy}
HEADS, T, B, STEPS = settings["nHead"], settings["T"], settings["B"], settings["steps"]
THREADS = args.threads or settings["threads"]
torch.set_num_threads(THREADS)


def losses_of(w, tokens, targets, reduction):
    """Cross entropy of tokens [B, T], the loss inside of the autocast region."""
    with torch.autocast("cpu", torch.bfloat16, enabled=args.policy == "bf16-autocast"):
        return F.cross_entropy(logits_of(w, tokens).flatten(0, 1), targets.flatten(), reduction=reduction)


def logits_of(w, tokens):
    """Parameters by GPT-2's names, matrices [in, out]; tokens [B, T] -> logits [B, T, V]."""
    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    def project(x, name):
        return F.linear(x, w[f"{name}.weight"].t(), w[f"{name}.bias"])

    def heads(x):
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)  # [B, H, T, D]

    x = F.embedding(tokens, w["wte.weight"]) + w["wpe.weight"][:tokens.shape[1]]
    for i in range(settings["nLayer"]):
        block = f"h.{i}"
        q, k, v = project(norm(x, f"{block}.ln_1"), f"{block}.attn.c_attn").chunk(3, dim=-1)
        mixed = F.scaled_dot_product_attention(heads(q), heads(k), heads(v), is_causal=True)
        x = x + project(mixed.transpose(1, 2).flatten(2), f"{block}.attn.c_proj")
        hidden = F.gelu(project(norm(x, f"{block}.ln_2"), f"{block}.mlp.c_fc"), approximate="tanh")
        x = x + project(hidden, f"{block}.mlp.c_proj")
    return F.linear(norm(x, "ln_f"), w["wte.weight"])


def learning_rate(step):
    """Of a step from 1: a linear warm-up, then a cosine that ends at minLr in the last step."""
    lr, floor, warmup = settings["lr"], settings["minLr"], settings["warmupSteps"]
    if step <= warmup:
        return lr * step / (warmup + 1)
    progress = (step - warmup - 1) / (STEPS - warmup - 1)
    return floor + (lr - floor) * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def validation_loss(w, tokens):
    """Every target once: windows of T one after the other, the last as short as it comes."""
    ends = len(tokens) - 1
    whole = ends // T * T
    nats = 0.0
    rows, targets = tokens[:whole].view(-1, T), tokens[1:whole + 1].view(-1, T)
    for x, y in zip(rows.split(64), targets.split(64)):
        nats += losses_of(w, x, y, "none").double().sum().item()
    if whole < ends:
        x, y = tokens[whole:ends].view(1, -1), tokens[whole + 1:]
        nats += losses_of(w, x, y, "none").double().sum().item()
    return nats / ends


def main():
    weights = {name: value.requires_grad_() for name, value in load_file(folder / "initial.safetensors").items()}
    batches = torch.from_numpy(np.fromfile(folder / "batches.i32", "<i4").astype(np.int64)).view(STEPS, B, T + 1)
    validation = torch.from_numpy(np.fromfile(folder / "validation.i32", "<i4").astype(np.int64))
    optimizer = torch.optim.AdamW([
        {"params": [p for p in weights.values() if p.dim() >= 2], "weight_decay": settings["weightDecay"]},
        {"params": [p for p in weights.values() if p.dim() < 2], "weight_decay": 0.0},
    ], betas=(settings["beta1"], settings["beta2"]), eps=settings["eps"])
    begin = time.perf_counter()
    losses, evals = [], [{"step": 0, "loss": validation_loss(weights, validation)}]
    for step, batch in enumerate(batches, start=1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.zero_grad()
        loss = losses_of(weights, batch[:, :-1], batch[:, 1:], "mean")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), settings["clip"])
        optimizer.step()
        losses.append(loss.item())
        if step % settings["evalEvery"] == 0 or step == STEPS:
            evals.append({"step": step, "loss": validation_loss(weights, validation)})
        if step % 100 == 0:
            print(f"step {step}: training {losses[-1]:.4f}, validation {evals[-1]['loss']:.4f}", file=sys.stderr)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.processor()) if sys.platform == "linux" else platform.processor()
    print(json.dumps({
        "library": f"PyTorch {torch.__version__.split('+')[0]}, {args.policy}, eager",
        "machine": f"{cpu}, {THREADS} thread{'s' * (THREADS > 1)}",
        "settings": settings,
        "validationTargets": len(validation) - 1,
        "evals": [{**e, "loss": round(e["loss"], 6)} for e in evals],
        "firstLosses": [round(value, 6) for value in losses[:10]],
        "lossPer100Steps": [round(float(np.mean(losses[i:i + 100])), 6) for i in range(0, STEPS, 100)],
        "seconds": round(time.perf_counter() - begin),
    }, indent=1))


if __name__ == "__main__":
    main()
