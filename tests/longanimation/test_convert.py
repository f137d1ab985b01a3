# SPDX-License-Identifier: GPL-3.0-or-later
"""Published downloads become a pipeline: every weight is converted, wrong ones are named, the result can be checked."""

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from server.engines import find_engine
from server.longanimation import LongAnimationPipeline, LongShot
from server.longanimation.convert import ConversionError, Downloads, plan_conversion, verify_folder
from server.longanimation.convert.manifest import MANIFEST
from server.longanimation.footprint import Workload
from server.longanimation.published import PROMPT_SUFFIX
from server.longanimation.rotary import rotary_embedding
from server.presets.preset import find_preset
from tests.longanimation.miniature import SENTENCES, Weights, write_downloads


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Downloads, dict[str, Weights]]:
    return write_downloads(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def converted(published: tuple[Downloads, dict[str, Weights]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder converted in float32, so that every weight can be compared exactly. Not to be changed."""
    output = tmp_path_factory.mktemp("converted") / "preset"
    plan_conversion(published[0], output, torch.float32).run()
    return output


@pytest.fixture
def downloads(published: tuple[Downloads, dict[str, Weights]], tmp_path: Path) -> Downloads:
    """A copy of the downloads that a test may damage."""
    root = published[0].control.parent
    shutil.copytree(root, tmp_path / "downloads")
    places = {
        name: tmp_path / "downloads" / path.relative_to(root) for name, path in dataclasses.asdict(published[0]).items()
    }
    return Downloads(**places)


def checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def change(path: Path, **tensors: torch.Tensor | None) -> None:
    """Replace tensors of a weight file, or with None leave them out."""
    weights = {name: tensor for name, tensor in {**load_file(path), **tensors}.items() if tensor is not None}
    save_file(weights, path, {"format": "pt"})


def test_every_published_weight_arrives_unchanged(
    published: tuple[Downloads, dict[str, Weights]], converted: Path
) -> None:
    pipeline = LongAnimationPipeline.from_pretrained(converted)
    assert "masterpiece" in pipeline.config.prompt_suffix
    for part, weights in published[1].items():
        found = dict(getattr(pipeline, part).named_parameters())
        assert found.keys() == weights.keys()
        different = [name for name, weight in weights.items() if not torch.equal(found[name], weight.float())]
        assert not different, part


@torch.no_grad()
def test_the_loaded_sketch_dit_steers_the_loaded_transformer(converted: Path) -> None:
    pipeline = LongAnimationPipeline.from_pretrained(converted)
    latents = torch.randn(1, 4, 8, 4, 6)
    text, time, ofs = torch.randn(1, 16, 32), torch.tensor([500]), torch.tensor([2.0])
    rotary = rotary_embedding(pipeline.transformer, 4, 4, 6)
    control = pipeline.sketch_dit(latents, text, time, ofs, rotary)
    assert control.shape == (1, 2 * 2 * 3, 32)
    steered, free = (
        pipeline.transformer(latents, text, time, ofs, rotary, signal, return_dict=False)[0]
        for signal in (control, None)
    )
    assert steered.shape == (1, 4, 4, 4, 6)
    assert steered.isfinite().all() and not torch.allclose(steered, free)


def test_the_converted_pipeline_colors_a_shot_with_memory_and_guidance(converted: Path) -> None:
    pipeline = LongAnimationPipeline.from_pretrained(converted)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline.config.prompt_suffix == PROMPT_SUFFIX
    height, width = 2 * pipeline.geometry.multiple, 3 * pipeline.geometry.multiple
    images = torch.rand(29, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shot = LongShot(pipeline, images[1:], {0: images[:1]}, "a red coat", segment=25, num_inference_steps=2)
    segments = list(shot.run())
    assert [len(segment.drawings) for segment in segments] == [17, 11]
    assert all(segment.frames.float().std() > 0 for segment in segments)


def test_a_preset_whose_segments_do_not_fill_latents_is_refused_when_it_is_loaded(converted: Path) -> None:
    loader = find_engine("longanimation")
    for use in (loader.load, loader.fit):
        with pytest.raises(ValueError, match=r"`segment` is 80, .* 4 drawings in a latent, .* set it to 73 or 81\."):
            use(converted, torch.device("cpu"), Workload(96 * 64, 80), "auto")
    with pytest.raises(ValueError, match=r"`segment` is 27, .* set it to 25 or 33\."):
        LongShot(LongAnimationPipeline.from_pretrained(converted), [], {0: torch.empty(0)}, segment=27)


def test_video_xl_has_the_published_projector_layer_and_the_strongest_compression(converted: Path) -> None:
    video_xl = LongAnimationPipeline.from_pretrained(converted).video_xl
    assert video_xl.config.vision_layer == -2
    assert list(video_xl.config.beacon_ratio) == [8]
    assert video_xl.config.vision["image_size"] == 56
    assert video_xl.encode_frames(torch.rand(3, 3, 56, 56)).shape == (3 * 4 * 4, 32)


def test_the_text_is_split_as_the_published_sentencepiece_model_splits_it(
    published: tuple[Downloads, dict[str, Weights]], converted: Path
) -> None:
    reference = sentencepiece.SentencePieceProcessor(str(published[0].cogvideox / "tokenizer" / "spiece.model"))
    tokenizer = LongAnimationPipeline.from_pretrained(converted).tokenizer
    for sentence in set(SENTENCES):
        assert tokenizer(sentence).input_ids == [*reference.encode(sentence), 1]
    assert not list((converted / "tokenizer").glob("*.model")), "reading it must not need SentencePiece"


def test_video_xls_turns_are_single_tokens(converted: Path) -> None:
    tokenizer = LongAnimationPipeline.from_pretrained(converted).video_tokenizer
    start, merged, end = tokenizer("<|im_start|>us<|im_end|>", add_special_tokens=False).input_ids
    assert (start, merged, end) == (258, 256, 259)


def test_the_tower_may_lie_in_video_xls_own_files(tmp_path: Path) -> None:
    downloads, weights = write_downloads(tmp_path / "downloads", tower_inside=True)
    apart, _ = write_downloads(tmp_path / "apart")
    # Its files alone do not say how large the tower is: any but the published CLIP needs a configuration.
    with pytest.raises(ConversionError, match=r"patch_embedding.weight has .* and video_xl needs \(1024, 3, 14, 14\)"):
        plan_conversion(downloads, tmp_path / "preset")
    downloads = dataclasses.replace(downloads, vision_tower=apart.vision_tower)
    plan_conversion(downloads, tmp_path / "preset", torch.float32).run()
    found = LongAnimationPipeline.from_pretrained(tmp_path / "preset").video_xl.state_dict()
    assert all(torch.equal(found[name], weight.float()) for name, weight in weights["video_xl"].items())


def test_weights_are_rounded_to_bfloat16_once(
    published: tuple[Downloads, dict[str, Weights]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.longanimation.convert.tensors.CHUNK", 7)  # tensors in many uneven pieces
    output = tmp_path / "preset"
    plan_conversion(published[0], output).run()
    weights = published[1]["sketch_dit"]
    with safe_open(output / "sketch_dit" / "diffusion_pytorch_model.safetensors", "pt") as file:
        assert set(file.keys()) == weights.keys()
        assert all(torch.equal(file.get_tensor(name), weight.bfloat16()) for name, weight in weights.items())
    halves = load_file(output / "video_xl" / "diffusion_pytorch_model-00001-of-00003.safetensors")
    assert halves
    assert all(torch.equal(half, published[1]["video_xl"][name].bfloat16()) for name, half in halves.items())


def spoil_nothing_but(downloads: Downloads, part: str) -> Path:
    return {
        "transformer": downloads.cogvideox / "transformer" / "diffusion_pytorch_model-00002-of-00003.safetensors",
        "sketch_dit": downloads.control,
        "dynamic_memory": downloads.memory,
        "video_xl": downloads.video_xl / "model-00001-of-00002.safetensors",
    }[part]


@pytest.mark.parametrize("part", ["transformer", "sketch_dit", "dynamic_memory", "video_xl"])
@pytest.mark.parametrize("harm", ["unexpected", "missing", "misshaped"])
def test_a_wrong_key_is_named_with_its_file(downloads: Downloads, part: str, harm: str, tmp_path: Path) -> None:
    path = spoil_nothing_but(downloads, part)
    name = next(name for name in load_file(path) if "bias" in name and "mapping" not in name)
    shape = tuple(load_file(path)[name].shape)
    if harm == "unexpected":
        change(path, **{"another.weight": torch.zeros(2, 3)})
        words = ["another.weight", "(2, 3)", part, str(path)]
    elif harm == "missing":
        change(path, **{name: None})
        words = [name, str(shape), part, str(path)]
    else:
        change(path, **{name: torch.zeros(5, 7)})
        words = [name, "(5, 7)", str(shape), str(path)]
    with pytest.raises(ConversionError) as caught:
        plan_conversion(downloads, tmp_path / "preset").run()
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)
    assert not (tmp_path / "preset").exists()


def test_a_key_that_is_there_twice_is_named(downloads: Downloads, tmp_path: Path) -> None:
    first, second = sorted((downloads.cogvideox / "text_encoder").glob("*.safetensors"))
    name, tensor = next(iter(load_file(first).items()))
    change(second, **{name: tensor})
    with pytest.raises(ConversionError, match=f"{name} is in .*{first.name} too"):
        plan_conversion(downloads, tmp_path / "preset")


def test_a_download_that_is_not_whole_is_named(downloads: Downloads, tmp_path: Path) -> None:
    shard = spoil_nothing_but(downloads, "transformer")
    whole = shard.read_bytes()
    for left in (len(whole) - 1, 100, 5):
        shard.write_bytes(whole[:left])
        with pytest.raises(
            ConversionError, match=f"{shard.name} is not a whole safetensors file .*: download it again"
        ):
            plan_conversion(downloads, tmp_path / "preset")
    shard.unlink()
    with pytest.raises(ConversionError, match=f"{shard.name} is missing"):
        plan_conversion(downloads, tmp_path / "preset")


def test_numbers_that_cannot_be_converted_are_refused(downloads: Downloads, tmp_path: Path) -> None:
    name = next(iter(load_file(downloads.control)))
    change(downloads.control, **{name: load_file(downloads.control)[name].to(torch.int8)})
    with pytest.raises(ConversionError, match=f"{name} is I8; only F32, F16 and BF16"):
        plan_conversion(downloads, tmp_path / "preset")


def test_the_wrong_folder_is_recognized(downloads: Downloads, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"transformer.config\.json is missing"):
        plan_conversion(dataclasses.replace(downloads, cogvideox=downloads.video_xl), tmp_path / "preset")
    config = downloads.cogvideox / "transformer" / "config.json"
    older = {**json.loads(config.read_text()), "ofs_embed_dim": None}
    config.write_text(json.dumps(older))
    with pytest.raises(ConversionError, match=r"this is not CogVideoX1\.5-5B-I2V"):
        plan_conversion(downloads, tmp_path / "preset")


def test_a_video_xl_without_eyes_asks_for_clip(downloads: Downloads, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="--vision-tower DIR"):
        plan_conversion(dataclasses.replace(downloads, vision_tower=None), tmp_path / "preset")


def test_a_tokenizer_that_is_not_whole_is_noticed_before_the_weights_are_read(
    downloads: Downloads, tmp_path: Path
) -> None:
    (downloads.video_xl / "merges.txt").unlink()
    with pytest.raises(ConversionError, match=r"VideoXL_weight_8 lacks merges\.txt of its tokenizer"):
        plan_conversion(downloads, tmp_path / "preset")


def test_another_projector_is_refused(downloads: Downloads, tmp_path: Path) -> None:
    config = downloads.video_xl / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "mm_projector_type": "linear"}))
    with pytest.raises(ConversionError, match="mm_projector_type is 'linear'; only 'mlp2x_gelu'"):
        plan_conversion(downloads, tmp_path / "preset")


def test_a_download_with_another_checksum_is_refused(downloads: Downloads, tmp_path: Path) -> None:
    right = hashlib.sha256(downloads.memory.read_bytes()).hexdigest()
    wrong = {downloads.control: "0" * 64, downloads.memory: right}
    with pytest.raises(ConversionError, match=f"{downloads.control.name} has the SHA-256 [0-9a-f]+, .* {'0' * 64}"):
        plan_conversion(downloads, tmp_path / "preset", checksums=wrong).run()
    assert not (tmp_path / "preset").exists()
    plan_conversion(downloads, tmp_path / "preset", checksums={downloads.memory: right}).run()


def test_the_manifest_has_every_files_checksum(converted: Path) -> None:
    found = checksums(converted)
    found.pop(MANIFEST)
    lines = (converted / MANIFEST).read_text().splitlines()
    assert dict(reversed(line.split("  ")) for line in lines) == found
    assert verify_folder(converted) == len(found)


@pytest.mark.parametrize("harm", ["changed", "missing", "not of the conversion"])
def test_damage_to_a_converted_folder_is_named(converted: Path, harm: str, tmp_path: Path) -> None:
    folder = tmp_path / "preset"
    shutil.copytree(converted, folder)
    name = "vae/diffusion_pytorch_model.safetensors"
    if harm == "changed":
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
    elif harm == "missing":
        (folder / name).unlink()
    else:
        name = "vae/notes.txt"
        (folder / name).touch()
    with pytest.raises(ConversionError, match=f"{harm}: {name}"):
        verify_folder(folder)


def test_what_is_complete_is_not_overwritten(published: tuple[Downloads, dict[str, Weights]], converted: Path) -> None:
    with pytest.raises(ConversionError, match="exists already"):
        plan_conversion(published[0], converted)


class Interruption(Exception):
    """Stands for the end of the process. The conversion does not catch it."""


def interrupt_after(size: int):
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if done > size:
            raise Interruption

    return advance


def test_an_interrupted_conversion_goes_on_and_gives_the_same_bytes(
    downloads: Downloads, published: tuple[Downloads, dict[str, Weights]], converted: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "preset"
    conversion = plan_conversion(downloads, output, torch.float32)
    with pytest.raises(Interruption):
        conversion.run(interrupt_after(conversion.bytes // 2))
    assert not output.exists()
    work = tmp_path / "out" / ".partial" / "preset"
    finished = {path: path.stat().st_ino for path in work.rglob("*.safetensors")}
    assert 3 <= len(finished) < len(list(converted.rglob("*.safetensors")))
    assert not list(work.rglob("*.part")), "the file that was being written is gone"
    damaged, kept, *_ = finished
    damaged.write_bytes(b"x" * damaged.stat().st_size)

    told: list[int] = []
    conversion.run(told.append)
    assert sum(told) == conversion.bytes
    assert checksums(output) == checksums(converted)
    assert (output / kept.relative_to(work)).stat().st_ino == finished[kept], "what was finished is used"
    assert not work.parent.exists()


def test_a_download_that_changed_in_between_is_converted_again(downloads: Downloads, tmp_path: Path) -> None:
    output = tmp_path / "preset"
    with pytest.raises(Interruption):
        conversion = plan_conversion(downloads, output, torch.float32)
        conversion.run(interrupt_after(conversion.bytes - 1000))
    weights = {name: weight + 1 for name, weight in load_file(downloads.control).items()}
    save_file(weights, downloads.control)
    os.utime(downloads.control, ns=(1, 1))
    plan_conversion(downloads, output, torch.float32).run()
    found = load_file(output / "sketch_dit" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in weights.items())


def test_a_preset_appears_with_its_settings_when_it_is_complete(
    published: tuple[Downloads, dict[str, Weights]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from server.cli import main

    output = tmp_path / "longanimation-5b"
    places = published[0]
    arguments = ["convert", "--cogvideox", str(places.cogvideox), "--control", str(places.control)]
    arguments += ["--memory", str(places.memory), "--video-xl", str(places.video_xl), "--output", str(output)]
    assert main(arguments) == 1
    assert "--vision-tower DIR" in capsys.readouterr().err
    assert main([*arguments, "--vision-tower", str(places.vision_tower)]) == 0
    preset = find_preset("longanimation-5b", tmp_path)
    assert (preset.pixels, preset.segment, preset.steps, preset.guidance) == (1024 * 576, 81, 50, 6.0)
    assert LongAnimationPipeline.from_pretrained(preset.folder, dtype=torch.bfloat16).vae.config.scaling_factor == 0.7
    assert main(["convert", "--verify", str(output)]) == 0
    (output / "preset.json").write_text("{}")
    assert main(["convert", "--verify", str(output)]) == 1
    assert "changed: preset.json" in capsys.readouterr().err


def test_arguments_that_are_left_out_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    from server.cli import main

    assert main(["convert", "--cogvideox", "x", "--memory", "y"]) == 2
    assert "--control, --video-xl must be given" in capsys.readouterr().err
