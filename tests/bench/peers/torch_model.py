"""The models and the AdamW of PyTorch's side, a GPT or a LLaMA: nn modules, scaled_dot_product_attention, fused AdamW."""

import torch
from torch import nn
from torch.nn import functional as F


def is_llama(sizes):
    return sizes.get("architecture") == "llama"


class Rotary(nn.Module):
    """Rotates the halves of each head by the position's angles (theta 10,000)."""

    def __init__(self, seq, head):
        super().__init__()
        angles = torch.outer(torch.arange(seq), 10000 ** (-torch.arange(0, head, 2) / head))
        self.register_buffer("cos", angles.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sin", angles.sin().repeat(1, 2), persistent=False)

    def forward(self, x):
        first, second = x.chunk(2, -1)
        return (x * self.cos + torch.cat([-second, first], -1) * self.sin).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width, heads = sizes["n_embd"], sizes["n_head"]
        kv_heads = sizes.get("n_kv_head") or heads
        self.head, self.grouped = width // heads, kv_heads < heads
        self.widths = [width, kv_heads * self.head, kv_heads * self.head]
        self.c_attn = nn.Linear(width, sum(self.widths), bias=not is_llama(sizes))
        self.c_proj = nn.Linear(width, width, bias=not is_llama(sizes))
        self.rotary = Rotary(sizes["seq"], self.head) if is_llama(sizes) else nn.Identity()

    def forward(self, x):
        batch, seq, width = x.shape
        parts = self.c_attn(x).split(self.widths, -1)
        q, k, v = (part.view(batch, seq, -1, self.head).transpose(1, 2) for part in parts)
        q, k = self.rotary(q), self.rotary(k)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.grouped)
        return self.c_proj(mixed.transpose(1, 2).reshape(batch, seq, width))


class FeedForward(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width, self.gated = sizes["n_embd"], is_llama(sizes)
        inner = 8 * -(-width // 3) if self.gated else 4 * width
        self.c_fc = nn.Linear(width, 2 * inner if self.gated else inner, bias=not self.gated)
        self.c_proj = nn.Linear(inner, width, bias=not self.gated)

    def forward(self, x):
        if self.gated:
            gate, up = self.c_fc(x).chunk(2, -1)
            return self.c_proj(F.silu(gate) * up)
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


def norm(sizes):
    width = sizes["n_embd"]
    return nn.RMSNorm(width, eps=1e-5) if is_llama(sizes) else nn.LayerNorm(width)


class Block(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.ln_1, self.attn = norm(sizes), Attention(sizes)
        self.ln_2, self.mlp = norm(sizes), FeedForward(sizes)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """Sizes: `n_layer`, `n_head`, `n_embd`, `vocab`, `seq`; for a LLaMA also `architecture` and `n_kv_head`."""

    def __init__(self, sizes):
        super().__init__()
        width, self.vocab = sizes["n_embd"], sizes["vocab"]
        self.wte = nn.Embedding(self.vocab, width)
        if is_llama(sizes):
            self.lm_head = nn.Linear(width, self.vocab, bias=False)
        else:
            self.wpe = nn.Embedding(sizes["seq"], width)
        self.h = nn.ModuleList([Block(sizes) for _ in range(sizes["n_layer"])])
        self.ln_f = norm(sizes)
        self.is_llama = is_llama(sizes)

    def forward(self, ids, targets, reduction="mean"):
        """Loss of the targets in nats; a target of -100 does not count."""
        x = self.wte(ids) if self.is_llama else self.wte(ids) + self.wpe.weight
        for block in self.h:
            x = block(x)
        head = self.lm_head if self.is_llama else self.wte
        logits = F.linear(self.ln_f(x), head.weight)
        return F.cross_entropy(logits.view(-1, self.vocab), targets.view(-1), reduction=reduction)

    def load(self, weights):
        """Weights by GPT-2's names; its matrices are [in, out], those of nn.Linear [out, in]."""
        state = {}
        for name, (shape, data) in weights.items():
            tensor = torch.frombuffer(data, dtype=torch.float32).view(shape)
            is_matrix = name.startswith("h.") and len(shape) == 2
            state[name] = tensor.T.contiguous() if is_matrix else tensor.clone()
        self.load_state_dict(state)


def adamw(model, lr, betas, eps, weight_decay):
    """Fused AdamW, which decays matrices only."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, fused=True)
