"""PyTorch's side of the benchmark, a GPT or a LLaMA: eager, or torch.compile with its default mode or `max-autotune`."""

import time

import common

args = common.read_flags(__doc__, ["eager", "compile", "max-autotune"])
begin = time.perf_counter()
import torch  # noqa: E402
from torch_model import Gpt, adamw  # noqa: E402

import_ms = (time.perf_counter() - begin) * 1e3
LOW = args.precision == "bf16-autocast"
COMPILE_MODES = {"compile": "default", "max-autotune": "max-autotune"}

torch.set_num_threads(args.threads)
model = Gpt(vars(args))
model.load(common.read_weights(args.weights))
optimizer = adamw(model, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
loss_of = model if args.mode == "eager" else torch.compile(model, mode=COMPILE_MODES[args.mode])


def to_array(ids):
    return torch.tensor(ids).view(args.batch, args.seq)


def step(ids, targets):
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=LOW):
        loss = loss_of(ids, targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


common.run(args, "torch", torch.__version__.split("+")[0], import_ms, to_array, step)
