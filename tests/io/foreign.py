"""foreign.py ARCHITECTURE FOLDER: weights of a small network in PyTorch, and what it says of some inputs.

Writes model.safetensors (names and layouts as the original implementation saves them) and examples.safetensors
(input, logits). The forward passes are spelled out in torch.nn.functional, apart from the program under test.
foreign.py pretrained FOLDER MODEL: what the encoder in MODEL, a MiniLM with 12 heads, says under mean pooling.
"""
import json
import math
import struct
import sys
import warnings

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch
import torch.nn.functional as F

torch.manual_seed(7)
BLOCKS, HEADS, WIDTH = 2, 2, 16


def save(path, tensors):
    kinds = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}
    header, data = {}, b""
    for name, t in tensors.items():
        raw = bytes(t.detach().contiguous().flatten().view(torch.uint8).tolist())
        header[name] = {"dtype": kinds[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    kinds = {"F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    weights = Weights()
    for name, t in header.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            weights[name] = torch.frombuffer(data, dtype=kinds[t["dtype"]], offset=begin, count=(end - begin) // kinds[t["dtype"]].itemsize).view(t["shape"])
    return weights


def random(*shape, scale=0.3):
    return torch.randn(*shape) * scale


class Weights(dict):
    def linear(self, name, out, width, bias=True):
        self[name + ".weight"] = random(out, width)
        if bias:
            self[name + ".bias"] = random(out)

    def conv1d(self, name, out, width):  # Hugging Face's GPT-2 stores (in, out)
        self[name + ".weight"] = random(width, out)
        self[name + ".bias"] = random(out)

    def norm(self, name, bias=True):
        self[name + ".weight"] = 1 + random(WIDTH)
        if bias:
            self[name + ".bias"] = random(WIDTH)

    def apply(self, name, x):
        return F.linear(x, self[name + ".weight"], self.get(name + ".bias"))

    def apply_conv1d(self, name, x):
        return x @ self[name + ".weight"] + self[name + ".bias"]

    def apply_norm(self, name, x, eps):
        return F.layer_norm(x, x.shape[-1:], self[name + ".weight"], self.get(name + ".bias"), eps)


def attend(q, k, v, causal=False, heads=HEADS):
    def split(t):
        return t.view(t.shape[0], t.shape[1], heads, -1).transpose(1, 2)

    logits = split(q) @ split(k).transpose(-2, -1) / math.sqrt(q.shape[-1] // heads)
    if causal:
        n = logits.shape[-1]
        logits = logits.masked_fill(torch.triu(torch.ones(n, n, dtype=torch.bool), 1), -math.inf)
    return (logits.softmax(-1) @ split(v)).transpose(1, 2).flatten(2)


def mlp():
    w = Weights()
    for name, out, width in [("fc.9", 12, 16), ("fc.10", 12, 12), ("classifier", 5, 12)]:
        w.linear(name, out, width)
    x = torch.rand(6, 1, 4, 4)
    h = x.flatten(1)
    for name in ["fc.9", "fc.10"]:
        h = torch.tanh(w.apply(name, h))
    return w, x, w.apply("classifier", h).unsqueeze(1)


def gpt(hugging_face, bias=True):
    w = Weights()
    p = "" if hugging_face else "transformer."
    make, use = (w.conv1d, w.apply_conv1d) if hugging_face else (lambda n, o, i: w.linear(n, o, i, bias), w.apply)
    w[p + "wte.weight"], w[p + "wpe.weight"] = random(11, WIDTH), random(8, WIDTH)
    x = torch.randint(0, 11, (3, 6))
    h = w[p + "wte.weight"][x] + w[p + "wpe.weight"][:6]
    for i in range(BLOCKS):
        b = f"{p}h.{i}."
        w.norm(b + "ln_1", bias), w.norm(b + "ln_2", bias)
        make(b + "attn.c_attn", 3 * WIDTH, WIDTH), make(b + "attn.c_proj", WIDTH, WIDTH)
        make(b + "mlp.c_fc", 4 * WIDTH, WIDTH), make(b + "mlp.c_proj", WIDTH, 4 * WIDTH)
        if hugging_face:
            w[b + "attn.bias"] = torch.ones(1, 1, 8, 8, dtype=torch.bool).tril()
        q, k, v = use(b + "attn.c_attn", w.apply_norm(b + "ln_1", h, 1e-5)).split(WIDTH, 2)
        h = h + use(b + "attn.c_proj", attend(q, k, v, causal=True))
        up = use(b + "mlp.c_fc", w.apply_norm(b + "ln_2", h, 1e-5))
        h = h + use(b + "mlp.c_proj", F.gelu(up, approximate="tanh" if hugging_face else "none"))
    w.norm(p + "ln_f", bias)
    if not hugging_face:
        w["lm_head.weight"] = w[p + "wte.weight"]
    return w, x, F.linear(w.apply_norm(p + "ln_f", h, 1e-5), w[p + "wte.weight"])


def vit(timm, pooled=False, fc_norm=False):
    w = Weights()
    p = "" if timm else "vit."
    eps = 1e-6 if timm else 1e-12
    patch = p + ("patch_embed.proj" if timm else "embeddings.patch_embeddings.projection")
    token = p + ("cls_token" if timm else "embeddings.cls_token")
    position = p + ("pos_embed" if timm else "embeddings.position_embeddings")
    w[patch + ".weight"], w[patch + ".bias"] = random(WIDTH, 3, 2, 2), random(WIDTH)
    if not pooled:
        w[token] = random(1, 1, WIDTH)
    w[position] = random(1, 9 if pooled else 10, WIDTH)
    x = torch.rand(4, 3, 6, 6)
    h = F.conv2d((x - 0.4) / 0.25, w[patch + ".weight"], w[patch + ".bias"], stride=2).flatten(2).transpose(1, 2)
    if not pooled:
        h = torch.cat([w[token].expand(4, -1, -1), h], 1)
    h = h + w[position]
    for i in range(BLOCKS):
        if timm:
            b = f"blocks.{i}."
            norm1, norm2, out, up, down = [b + s for s in ["norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2"]]
            w.linear(b + "attn.qkv", 3 * WIDTH, WIDTH)
        else:
            b = f"vit.encoder.layer.{i}."
            norm1, norm2, out, up, down = [b + s for s in ["layernorm_before", "layernorm_after", "attention.output.dense",
                                                           "intermediate.dense", "output.dense"]]
            for s in ["query", "key", "value"]:
                w.linear(b + "attention.attention." + s, WIDTH, WIDTH)
        w.norm(norm1), w.norm(norm2), w.linear(out, WIDTH, WIDTH), w.linear(up, 3 * WIDTH, WIDTH), w.linear(down, WIDTH, 3 * WIDTH)
        g = w.apply_norm(norm1, h, eps)
        if timm:
            q, k, v = w.apply(b + "attn.qkv", g).split(WIDTH, 2)
        else:
            q, k, v = [w.apply(b + "attention.attention." + s, g) for s in ["query", "key", "value"]]
        h = h + w.apply(out, attend(q, k, v))
        h = h + w.apply(down, F.gelu(w.apply(up, w.apply_norm(norm2, h, eps))))
    norm, head = (("fc_norm" if fc_norm else "norm", "head") if timm else ("vit.layernorm", "classifier"))
    w.norm(norm), w.linear(head, 5, WIDTH)
    if fc_norm:
        return w, x, w.apply(head, w.apply_norm(norm, h.mean(1, keepdim=True), eps))
    h = w.apply_norm(norm, h, eps)
    return w, x, w.apply(head, h.mean(1, keepdim=True) if pooled else h[:, :1])


def encode(w, p, x, blocks, heads):
    e = p + "embeddings."
    h = w[e + "word_embeddings.weight"][x] + w[e + "position_embeddings.weight"][: x.shape[1]] + w[e + "token_type_embeddings.weight"][0]
    h = w.apply_norm(e + "LayerNorm", h, 1e-12)
    for i in range(blocks):
        b = f"{p}encoder.layer.{i}."
        q, k, v = [w.apply(b + "attention.self." + s, h) for s in ["query", "key", "value"]]
        mixed = w.apply(b + "attention.output.dense", attend(q, k, v, heads=heads))
        h = w.apply_norm(b + "attention.output.LayerNorm", h + mixed, 1e-12)
        up = F.gelu(w.apply(b + "intermediate.dense", h))
        h = w.apply_norm(b + "output.LayerNorm", h + w.apply(b + "output.dense", up), 1e-12)
    return h


def bert(mean_pooling):
    w = Weights()
    p = "" if mean_pooling else "bert."
    e = p + "embeddings."
    w[e + "word_embeddings.weight"], w[e + "position_embeddings.weight"] = random(13, WIDTH), random(9, WIDTH)
    w[e + "token_type_embeddings.weight"] = random(2, WIDTH)
    w[e + "position_ids"] = torch.arange(9).unsqueeze(0)
    w.norm(e + "LayerNorm")
    for i in range(BLOCKS):
        b = f"{p}encoder.layer.{i}."
        for s in ["query", "key", "value"]:
            w.linear(b + "attention.self." + s, WIDTH, WIDTH)
        w.linear(b + "attention.output.dense", WIDTH, WIDTH), w.norm(b + "attention.output.LayerNorm")
        w.linear(b + "intermediate.dense", 4 * WIDTH, WIDTH), w.linear(b + "output.dense", WIDTH, 4 * WIDTH), w.norm(b + "output.LayerNorm")
    w.linear(p + "pooler.dense", WIDTH, WIDTH)
    w.linear("classifier", 4, WIDTH)
    x = torch.randint(0, 13, (3, 7))
    h = encode(w, p, x, BLOCKS, HEADS)
    pooled = h.mean(1, keepdim=True) if mean_pooling else torch.tanh(w.apply(p + "pooler.dense", h[:, :1]))
    return w, x, w.apply("classifier", pooled)


def pretrained(path):
    w = load(path)
    x = torch.randint(0, w["embeddings.word_embeddings.weight"].shape[0], (4, 24))
    return {}, x, encode(w, "", x, 6, 12).mean(1, keepdim=True)


MADE = {
    "mlp": mlp,
    "nanogpt": lambda: gpt(False),
    "nanogpt-no-bias": lambda: gpt(False, bias=False),
    "gpt2": lambda: gpt(True),
    "vit-timm": lambda: vit(True),
    "vit-hf": lambda: vit(False),
    "vit-timm-fc-norm": lambda: vit(True, pooled=True, fc_norm=True),
    "vit-timm-pooled": lambda: vit(True, pooled=True),
    "vit-hf-pooled": lambda: vit(False, pooled=True),
    "bert": lambda: bert(False),
    "minilm": lambda: bert(True),
    "pretrained": lambda: pretrained(sys.argv[3]),
}

weights, inputs, logits = MADE[sys.argv[1]]()
save(sys.argv[2] + "/model.safetensors", weights)
save(sys.argv[2] + "/examples.safetensors", {"input": inputs, "label": logits.argmax(-1), "logits": logits})
