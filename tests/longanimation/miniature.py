# SPDX-License-Identifier: GPL-3.0-or-later
"""The four published downloads at small width: random weights under the published names, in the published files."""

import io
import json
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel, T5Config, T5EncoderModel
from transformers.convert_slow_tokenizer import bytes_to_unicode

from server.longanimation import DynamicGlobalLocalMemory, SketchDiT, VideoXL
from server.longanimation.convert import Downloads
from server.longanimation.published import DYNAMIC_MEMORY, SCHEDULER, TEXT_ENCODER, TRANSFORMER, VAE, VIDEO_XL

Weights = dict[str, torch.Tensor]

TRANSFORMER_SIZE = {
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "in_channels": 8,
    "out_channels": 4,
    "num_layers": 3,
    "text_embed_dim": 32,
    "time_embed_dim": 16,
    "ofs_embed_dim": 16,
    "max_text_seq_length": 16,
}
VISION_SIZE = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "projection_dim": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 7,
}
VIDEO_XL_SIZE = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 9,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "beacon_window": 32,
    "beacon_stride": 32,
}
PIECES = 30
SENTENCES = ("a girl in a red coat runs through the rain", "the sky over the town turns orange in the evening") * 40


def random_weights(module: nn.Module) -> Weights:
    """Weights of a module, tied ones once, none of them at its initial value."""
    return {name: torch.randn(weight.shape) * 0.1 for name, weight in module.named_parameters()}


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_shards(folder: Path, stem: str, weights: Weights, count: int) -> None:
    """Write weights as the hub has them: in one file, or in `count` with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    if count == 1:
        save_file(weights, folder / f"{stem}.safetensors", {"format": "pt"})
        return
    names = sorted(weights)
    places = {}
    for index in range(count):
        file = f"{stem}-{index + 1:05}-of-{count:05}.safetensors"
        part = {name: weights[name] for name in names[index::count]}
        save_file(part, folder / file, {"format": "pt"})
        places |= dict.fromkeys(part, file)
    size = sum(weight.nbytes for weight in weights.values())
    write_json(folder / f"{stem}.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": places})


def write_t5_tokenizer(folder: Path) -> None:
    """A real SentencePiece model, with T5's special tokens where T5 has them."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=model,
        vocab_size=PIECES,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spiece.model").write_bytes(model.getvalue())
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    extra = [f"<extra_id_{index}>" for index in range(100)]
    write_json(folder / "special_tokens_map.json", {**special, "additional_special_tokens": extra})
    write_json(folder / "added_tokens.json", {token: PIECES + 99 - index for index, token in enumerate(extra)})
    write_json(
        folder / "tokenizer_config.json",
        {
            **special,
            "additional_special_tokens": extra,
            "clean_up_tokenization_spaces": True,
            "extra_ids": 100,
            "legacy": True,
            "model_max_length": TRANSFORMER_SIZE["max_text_seq_length"],
            "tokenizer_class": "T5Tokenizer",
        },
    )


def write_qwen_tokenizer(folder: Path) -> None:
    """Qwen2's tokenizer with 256 bytes, one merge, and its special tokens."""
    vocabulary = {symbol: index for index, symbol in enumerate(bytes_to_unicode().values())}
    vocabulary["us"] = 256
    write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\nu s\n", encoding="utf-8")
    added = {"<|endoftext|>": 257, "<|im_start|>": 258, "<|im_end|>": 259}
    write_json(folder / "added_tokens.json", added)
    decoder = {
        str(index): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token, index in added.items()
    }
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_prefix_space": False,
            "added_tokens_decoder": decoder,
            "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "errors": "replace",
            "model_max_length": 32768,
            "pad_token": "<|endoftext|>",
            "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None,
        },
    )


def write_cogvideox(folder: Path, text_vocabulary: int) -> dict[str, Weights]:
    """CogVideoX1.5-5B-I2V: transformer in three files, text encoder in two, the rest in one."""
    settings = {**TRANSFORMER, **TRANSFORMER_SIZE}
    vae_settings = {**VAE, "block_out_channels": [4, 4, 4, 8], "latent_channels": 4, "layers_per_block": 1}
    vae_settings |= {"norm_num_groups": 2}
    text_settings = {**TEXT_ENCODER, "vocab_size": text_vocabulary, "d_model": 32, "d_kv": 8, "d_ff": 48}
    text_settings |= {"num_layers": 2, "num_heads": 4}
    text_encoder = T5EncoderModel(T5Config(**text_settings))
    weights = {
        "transformer": random_weights(CogVideoXTransformer3DModel(**settings)),
        "vae": random_weights(AutoencoderKLCogVideoX(**vae_settings)),
        "text_encoder": random_weights(text_encoder),
    }
    write_shards(folder / "transformer", "diffusion_pytorch_model", weights["transformer"], 3)
    write_shards(folder / "vae", "diffusion_pytorch_model", weights["vae"], 1)
    write_shards(folder / "text_encoder", "model", weights["text_encoder"], 2)
    write_json(folder / "transformer" / "config.json", {"_class_name": "CogVideoXTransformer3DModel", **settings})
    write_json(folder / "vae" / "config.json", {"_class_name": "AutoencoderKLCogVideoX", **vae_settings})
    text_config = {**text_encoder.config.to_dict(), "torch_dtype": "bfloat16"}
    write_json(folder / "text_encoder" / "config.json", text_config)
    schedule = {"_class_name": "CogVideoXDDIMScheduler", "_diffusers_version": "0.32.0.dev0", **SCHEDULER}
    write_json(folder / "scheduler" / "scheduler_config.json", schedule)
    write_t5_tokenizer(folder / "tokenizer")
    return weights


def write_video_xl(folder: Path, tower: Path | None) -> Weights:
    """Video-XL's folder, in float16 in two files; with the tower inside, or as a CLIP of its own in `tower`."""
    settings = {**VIDEO_XL, **VIDEO_XL_SIZE}
    weights = random_weights(VideoXL(**{**settings, "vision": VISION_SIZE}))
    weights = {name: weight.half() for name, weight in weights.items()}
    inside = "model.vision_tower."
    of_tower = {name.removeprefix(inside): weight for name, weight in weights.items() if name.startswith(inside)}
    own = {name: weight for name, weight in weights.items() if not name.startswith(inside)}
    own["model.image_newline"] = torch.zeros(settings["hidden_size"], dtype=torch.float16)
    if tower is None:
        own |= {f"model.vision_tower.vision_tower.vision_model.{name}": weight for name, weight in of_tower.items()}
    else:
        # The hub has CLIP whole and pickled: its text model too, and a buffer of integers.
        clip = {f"vision_model.{name}": weight for name, weight in of_tower.items()}
        clip["vision_model.embeddings.position_ids"] = torch.arange(17)[None]
        clip["text_model.final_layer_norm.weight"] = torch.zeros(8)
        clip["logit_scale"] = torch.tensor(4.6)
        tower.mkdir(parents=True)
        torch.save(clip, tower / "pytorch_model.bin")
        config = CLIPVisionModel(CLIPVisionConfig(**VISION_SIZE)).config.to_dict()
        write_json(tower / "config.json", {"model_type": "clip", "vision_config": config})
    write_shards(folder, "model", own, 2)
    published = {
        "architectures": ["LlavaQwenForCausalLM"],
        "beacon_ratio": [2, 4, 8],
        "mm_hidden_size": VISION_SIZE["hidden_size"],
        "mm_patch_merge_type": "unires",
        "mm_projector_type": "mlp2x_gelu",
        "mm_spatial_pool_mode": "average",
        "mm_spatial_pool_stride": 2,
        "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": -2,
        "mm_vision_tower": "openai/clip-vit-large-patch14-336",
        "model_type": "llava_qwen",
        "torch_dtype": "float16",
    }
    settings = {key: value for key, value in settings.items() if not key.startswith("vision")}
    write_json(folder / "config.json", {**settings, **published})
    write_qwen_tokenizer(folder)
    return weights


def write_downloads(
    folder: Path, tower_inside: bool = False, text_vocabulary: int = 192
) -> tuple[Downloads, dict[str, Weights]]:
    """Write all four; return where they are, and each component's weights under the pipeline's names."""
    torch.manual_seed(0)
    downloads = Downloads(
        folder / "CogVideoX1.5-5B-I2V",
        folder / "control_module.safetensors",
        folder / "glm_module.safetensors",
        folder / "Video_XL" / "VideoXL_weight_8",
        None if tower_inside else folder / "clip-vit-large-patch14-336",
    )
    weights = write_cogvideox(downloads.cogvideox, text_vocabulary)
    sketch_dit = SketchDiT(**{**TRANSFORMER, **TRANSFORMER_SIZE, "num_layers": 2})
    weights["sketch_dit"] = random_weights(sketch_dit)
    save_file(weights["sketch_dit"], downloads.control)
    sizes = {"dim": 32, "output_dim": 32, "dim_head": 1, "mapping_sizes": (16, 24, 20), "ff_mult": 2}
    weights["dynamic_memory"] = random_weights(DynamicGlobalLocalMemory(**{**DYNAMIC_MEMORY, **sizes}))
    save_file(weights["dynamic_memory"], downloads.memory)
    weights["video_xl"] = write_video_xl(downloads.video_xl, downloads.vision_tower)
    return downloads, weights
