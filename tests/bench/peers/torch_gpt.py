"""PyTorch's side of the benchmark: nn modules, scaled_dot_product_attention, fused AdamW; eager, or torch.compile with its default mode or `max-autotune`."""

import time

import common

args = common.read_flags(__doc__, ["eager", "compile", "max-autotune"])
begin = time.perf_counter()
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import_ms = (time.perf_counter() - begin) * 1e3
LOW = args.precision == "bf16-autocast"
LLAMA = args.architecture == "llama"
HEAD, KV = args.n_embd // args.n_head, args.n_kv_head * (args.n_embd // args.n_head)
INNER = 8 * -(-args.n_embd // 3) if LLAMA else 4 * args.n_embd
Norm = (lambda width: nn.RMSNorm(width, eps=1e-5)) if LLAMA else nn.LayerNorm
FREQUENCIES = 10000 ** (-torch.arange(0, HEAD, 2) / HEAD)
ANGLES = torch.outer(torch.arange(args.seq), FREQUENCIES)
COS, SIN = ANGLES.cos().repeat(1, 2), ANGLES.sin().repeat(1, 2)


def rotate(x):
    first, second = x.chunk(2, -1)
    return (x * COS + torch.cat([-second, first], -1) * SIN).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_attn = nn.Linear(width, width + 2 * KV, bias=not LLAMA)
        self.c_proj = nn.Linear(width, width, bias=not LLAMA)

    def forward(self, x):
        batch, seq, width = x.shape
        parts = self.c_attn(x).split([width, KV, KV], -1)
        q, k, v = (part.view(batch, seq, -1, HEAD).transpose(1, 2) for part in parts)
        if LLAMA:
            q, k = rotate(q), rotate(k)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=args.n_kv_head < args.n_head)
        return self.c_proj(mixed.transpose(1, 2).reshape(batch, seq, width))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = nn.Linear(width, 2 * INNER if LLAMA else INNER, bias=not LLAMA)
        self.c_proj = nn.Linear(INNER, width, bias=not LLAMA)

    def forward(self, x):
        if LLAMA:
            gate, up = self.c_fc(x).chunk(2, -1)
            return self.c_proj(F.silu(gate) * up)
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1, self.attn = Norm(width), Attention(width)
        self.ln_2, self.mlp = Norm(width), FeedForward(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(args.vocab, args.n_embd)
        if LLAMA:
            self.lm_head = nn.Linear(args.n_embd, args.vocab, bias=False)
        else:
            self.wpe = nn.Embedding(args.seq, args.n_embd)
        self.h = nn.ModuleList([Block(args.n_embd) for _ in range(args.n_layer)])
        self.ln_f = Norm(args.n_embd)

    def forward(self, ids, targets):
        x = self.wte(ids) if LLAMA else self.wte(ids) + self.wpe.weight
        for block in self.h:
            x = block(x)
        logits = F.linear(self.ln_f(x), (self.lm_head if LLAMA else self.wte).weight)
        return F.cross_entropy(logits.view(-1, args.vocab), targets.view(-1))

    def load(self, weights):
        """Weights by GPT-2's names; its matrices are [in, out], those of nn.Linear [out, in]."""
        state = {}
        for name, (shape, data) in weights.items():
            tensor = torch.frombuffer(data, dtype=torch.float32).view(shape)
            is_matrix = name.startswith("h.") and len(shape) == 2
            state[name] = tensor.T.contiguous() if is_matrix else tensor.clone()
        self.load_state_dict(state)


torch.set_num_threads(args.threads)
model = Gpt()
model.load(common.read_weights(args.weights))
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
    lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True,
)
COMPILE_MODES = {"compile": "default", "max-autotune": "max-autotune"}
loss_of = model if args.mode == "eager" else torch.compile(model, mode=COMPILE_MODES[args.mode])


def to_array(ids):
    return torch.tensor(ids).view(args.batch, args.seq)


def step(ids, targets):
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=LOW):
        loss = loss_of(ids, targets)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


common.run(args, "torch", torch.__version__.split("+")[0], import_ms, to_array, step)
