"""PyTorch's side of the sweep: trains and evaluates every run of a folder, several at a time, in eager mode.

The folder has `runs.json`, written by `sweep_inputs.ts`, and for each run its initial weights, its training batches, and its
evaluation windows. Each worker process trains one run after the other on its own thread.
"""

import json
import multiprocessing
import os
import sys

import common

FOLDER, WORKERS = sys.argv[1], int(sys.argv[2])


def read_batches(name, batch, seq):
    """int64 [n, 2, batch, seq]: token ids and targets."""
    import torch

    with open(os.path.join(FOLDER, name), "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.int32).view(-1, 2, batch, seq).long()


def train(run):
    import torch
    from torch_model import Gpt, adamw

    torch.set_num_threads(1)
    model = Gpt(run)
    model.load(common.read_weights(os.path.join(FOLDER, run["id"] + ".safetensors")))
    optimizer = adamw(model, run["lr"][0], run["betas"], run["eps"], run["weight_decay"])
    low = torch.autocast("cpu", dtype=torch.bfloat16, enabled=run["precision"] == "bf16-autocast")
    batches = read_batches(run["id"] + ".train", run["batch"], run["seq"])
    windows = read_batches(run["id"] + ".eval", run["batch"], run["seq"])
    targets_in_all = (windows[:, 1] != -100).sum().item()

    def evaluate():
        with torch.no_grad(), low:
            return sum(model(x, y, reduction="sum").item() for x, y in windows) / targets_in_all

    losses, evaluations = [], [evaluate()]
    for step, (x, y) in enumerate(batches, start=1):
        for group in optimizer.param_groups:
            group["lr"] = run["lr"][step - 1]
        optimizer.zero_grad(set_to_none=True)
        with low:
            loss = model(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), run["clip"])
        optimizer.step()
        losses.append(loss.item())
        if step % run["eval_every"] == 0 or step == len(batches):
            evaluations.append(evaluate())
    return {"id": run["id"], "losses": losses, "evaluations": evaluations}


if __name__ == "__main__":
    with open(os.path.join(FOLDER, "runs.json")) as file:
        runs = json.load(file)
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        print(json.dumps(pool.map(train, runs, chunksize=1)))
