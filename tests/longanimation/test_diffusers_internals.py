# SPDX-License-Identifier: GPL-3.0-or-later
"""The internals of Diffusers that we use still exist. If not, the message says what depends on them."""

import inspect

import diffusers
import pytest
import torch
from diffusers import CogVideoXDPMScheduler, CogVideoXTransformer3DModel, DiffusionPipeline, ModelMixin
from diffusers.hooks._helpers import TransformerBlockMetadata, TransformerBlockRegistry
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXBlock
from diffusers.modular_pipelines.components_manager import AutoOffloadStrategy, UserCustomOffloadHook
from torch import nn

from server.longanimation.diffusers_internals import replace_block_class
from server.longanimation.tiny import tiny_sketch_dit, tiny_transformer
from server.longanimation.transformer import ControlledBlock

CHANGED = f"Diffusers {diffusers.__version__} has changed"


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_the_registry_of_blocks_takes_and_gives_metadata() -> None:
    found = TransformerBlockRegistry.get(ControlledBlock)
    assert isinstance(found, TransformerBlockMetadata), f"{CHANGED} the registry: see register_block"
    indices = found.return_hidden_states_index, found.return_encoder_hidden_states_index
    stock = TransformerBlockRegistry.get(CogVideoXBlock)
    of_stock = stock.return_hidden_states_index, stock.return_encoder_hidden_states_index
    assert indices == of_stock, f"{CHANGED} the order of a block's outputs: see register_block"


def test_a_controlled_block_is_the_stock_block_with_one_more_argument() -> None:
    ours, stock = parameters(ControlledBlock.forward), parameters(CogVideoXBlock.forward)
    assert ours == [*stock, "control"], f"{CHANGED} CogVideoXBlock.forward: adapt ControlledBlock.forward"
    own = {name for name in vars(ControlledBlock) if not name.startswith("__")}
    assert own == {"forward"}, "only `forward` may differ, since the class of made blocks is replaced"


def test_the_stock_models_blocks_are_stock_blocks() -> None:
    blocks = CogVideoXTransformer3DModel(**tiny_transformer().config).transformer_blocks
    kinds = {type(block) for block in blocks}
    assert kinds == {CogVideoXBlock}, f"{CHANGED} the model's blocks: see replace_block_class"
    assert {type(block) for block in tiny_transformer().transformer_blocks} == {ControlledBlock}


def test_blocks_of_another_class_are_not_replaced() -> None:
    with pytest.raises(TypeError, match="is a Linear, not a CogVideoXBlock: Diffusers has changed it"):
        replace_block_class(nn.ModuleList([nn.Linear(1, 1)]), CogVideoXBlock, ControlledBlock)


def test_our_forward_does_what_the_stock_models_forward_does() -> None:
    known = ["hidden_states", "encoder_hidden_states", "timestep", "timestep_cond", "ofs", "image_rotary_emb"]
    found = parameters(CogVideoXTransformer3DModel.forward)
    assert found == [*known, "attention_kwargs", "return_dict"], f"{CHANGED} the model's forward: see embed_tokens"


def test_gradient_checkpointing_computes_each_block_again() -> None:
    model = tiny_sketch_dit()
    model.enable_gradient_checkpointing()
    assert model.gradient_checkpointing, f"{CHANGED} `gradient_checkpointing`: see run_block"
    ran = []
    for block in model.transformer_blocks:
        block.norm1.register_forward_hook(lambda *_: ran.append(1))
    text, times, ofs = torch.zeros(1, 64, 128), torch.zeros(1), torch.full((1,), 2.0)
    rotary = torch.ones(4, 64), torch.zeros(4, 64)
    model(torch.zeros(1, 1, 16, 8, 8), text, times, ofs, rotary).sum().backward()
    blocks = len(model.transformer_blocks)
    assert len(ran) > blocks, f"{CHANGED} `_gradient_checkpointing_func`: see run_block"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (ModelMixin, "_no_split_modules"),
        (ModelMixin, "_repeated_blocks"),
        (DiffusionPipeline, "_optional_components"),
        (DiffusionPipeline, "_execution_device"),
        (UserCustomOffloadHook, "add_other_hook"),
        (CogVideoXDPMScheduler, "get_variables"),
        (CogVideoXDPMScheduler, "get_mult"),
    ],
)
def test_what_our_classes_rely_on_is_there(owner: type, name: str) -> None:
    assert hasattr(owner, name), f"{CHANGED} {owner.__name__}: it has no `{name}` any more"


def test_the_choice_of_what_leaves_the_gpu_is_asked_as_before() -> None:
    asked = ["hooks", "model_id", "model", "execution_device"]
    assert parameters(AutoOffloadStrategy.__call__) == asked, f"{CHANGED} AutoOffloadStrategy: see placement._ByStage"
    assert "model_id" in parameters(UserCustomOffloadHook.__init__)
