"""The peer of `retort-bench` for networks: the script a careful PyTorch user would write.

Weights and images come from the file that both sides start from; the last line printed is JSON with the rate in
images a second and the numbers that are compared.
"""

import json
import sys

import peer
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

options = peer.options()
torch.set_num_threads(options.threads)
work, model_name, *rest = options.name.split("/")
variant = rest[0] if rest else ""
state = load_file(options.folder / "inputs.safetensors")
images, labels = state["images"], state["labels"]


def network(name, prefix):
    if name == "vit_tiny_patch4_32":
        model = VisionTransformer(
            img_size=32, patch_size=4, embed_dim=192, depth=12, num_heads=3, num_classes=1000
        )
    elif name == "mobilenetv2_mini":
        from mini import MobileNetV2Mini

        model = MobileNetV2Mini()
    else:
        extra = {"pad_type": "same"} if "mobilenetv2" in name else {"img_size": options.size} if "dinov2" in name else {}
        model = timm.create_model(name, num_classes=1000, **extra)
    model.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return model


def convolutional(model):
    return any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())


def autocast():
    return torch.autocast("cpu", torch.bfloat16, enabled=variant != "fp32")


def rate(body):
    return peer.rate(body, options.batch, options.seconds)


teacher_name, _, student_name = model_name.partition("-") if work == "distill" else (None, None, model_name)
model = network(student_name, "model.")
# torch 2.13 corrupts the heap in the backward pass of FastViT's strided pointwise convolution of three channels, when
# channels lie innermost: the other layout is the peer's best that runs.
if convolutional(model) and not student_name.startswith("fastvit"):
    model = model.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)

if work == "label":
    model.eval()
    if options.compile:
        import torch._inductor.config as inductor

        inductor.freezing = True
        model = torch.compile(model)

    # Freezing wants no_grad; the two are equally fast.
    @(torch.no_grad() if options.compile else torch.inference_mode())
    def answer():
        with autocast():
            return model(images)

    values = answer()[:2].float().flatten().tolist()
    print(json.dumps({"rate": rate(answer), "values": values}))
    sys.exit()

model.train()
decay = [p for p in model.parameters() if p.ndim > 1]
rest = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=1e-4, fused=True
)
teacher = network(teacher_name, "teacher.").eval() if work == "distill" else None
if options.compile:
    model = torch.compile(model)


def step():
    optimizer.zero_grad()
    with autocast():
        if teacher is None:
            loss = F.cross_entropy(model(images), labels)
        else:
            with torch.no_grad():
                target = teacher(images)
            loss = F.kl_div(
                model(images).log_softmax(1), target.log_softmax(1), reduction="batchmean", log_target=True
            )
    loss.backward()
    optimizer.step()
    return loss


losses = [step().item() for _ in range(3)]
print(json.dumps({"rate": rate(step), "values": losses}))
