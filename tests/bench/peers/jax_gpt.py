"""JAX's side of the benchmark, a GPT or a LLaMA: the whole step as one jitted function that is given its state to overwrite."""

import os
import time

import common

args = common.read_flags(__doc__, ["jit"])
if hasattr(os, "sched_setaffinity"):  # JAX has as many threads as there are processors that it may use
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
begin = time.perf_counter()
import jax  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
from jax import numpy as jnp  # noqa: E402

import_ms = (time.perf_counter() - begin) * 1e3
LOW = jnp.bfloat16 if args.precision == "bf16-autocast" else jnp.float32

LLAMA = args.architecture == "llama"
HEAD, KV = args.n_embd // args.n_head, args.n_kv_head * (args.n_embd // args.n_head)
ANGLES = np.outer(np.arange(args.seq), 10000 ** (-np.arange(0, HEAD, 2) / HEAD))[:, None]
COS, SIN = np.cos(ANGLES).astype(np.float32), np.sin(ANGLES).astype(np.float32)


def rotate(x):
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([first * COS - second * SIN, second * COS + first * SIN], -1).astype(x.dtype)


def linear(p, name, x):
    product = x.astype(LOW) @ p[f"{name}.weight"].astype(LOW)
    return product if LLAMA else product + p[f"{name}.bias"].astype(LOW)


def norm(p, name, x):
    if LLAMA:
        return x * jax.lax.rsqrt(jnp.square(x).mean(axis=-1, keepdims=True) + 1e-5) * p[f"{name}.weight"]
    mean = x.mean(axis=-1, keepdims=True)
    variance = jnp.square(x - mean).mean(axis=-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def loss_of(p, ids, targets):
    x = p["wte.weight"][ids] if LLAMA else p["wte.weight"][ids] + p["wpe.weight"]
    for i in range(args.n_layer):
        at = f"h.{i}"
        qkv = linear(p, f"{at}.attn.c_attn", norm(p, f"{at}.ln_1", x))
        parts = jnp.split(qkv, [args.n_embd, args.n_embd + KV], axis=-1)
        q, k, v = (part.reshape(args.batch, args.seq, -1, HEAD) for part in parts)
        if LLAMA:
            q, k = rotate(q), rotate(k)
        mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape)
        x = x + linear(p, f"{at}.attn.c_proj", mixed)
        hidden = linear(p, f"{at}.mlp.c_fc", norm(p, f"{at}.ln_2", x))
        if LLAMA:
            gate, up = jnp.split(hidden, 2, axis=-1)
            hidden = jax.nn.silu(gate) * up
        else:
            hidden = jax.nn.gelu(hidden, approximate=True)
        x = x + linear(p, f"{at}.mlp.c_proj", hidden)
    logits = norm(p, "ln_f", x).astype(LOW) @ p["lm_head.weight" if LLAMA else "wte.weight"].astype(LOW).T
    return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), targets).mean()


optimizer = optax.chain(
    optax.clip_by_global_norm(1.0),
    optax.adamw(1e-3, b1=0.9, b2=0.95, eps=1e-8, weight_decay=0.1, mask=lambda p: jax.tree.map(lambda a: a.ndim > 1, p)),
)


def update(p, state, ids, targets):
    loss, gradients = jax.value_and_grad(loss_of)(p, ids, targets)
    changes, state = optimizer.update(gradients, state, p)
    return optax.apply_updates(p, changes), state, loss


weights = common.read_weights(args.weights)
params = {name: jnp.array(np.frombuffer(data, np.float32).reshape(shape)) for name, (shape, data) in weights.items()}
state = optimizer.init(params)
jitted = jax.jit(update, donate_argnums=(0, 1))


def to_array(ids):
    return np.array(ids, np.int32).reshape(args.batch, args.seq)


def step(ids, targets):
    global params, state
    params, state, loss = jitted(params, state, ids, targets)
    jax.block_until_ready(params)
    return float(loss)


common.run(args, "jax", jax.__version__, import_ms, to_array, step)
