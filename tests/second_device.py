# SPDX-License-Identifier: GPL-3.0-or-later
"""A second device, for tests where there is no GPU. It computes real values, and its memory is not the CPU's.

PyTorch lets Python implement a backend (`torch.utils.backend_registration`). This one keeps the values of each tensor
in a tensor on the CPU and computes there. Like a GPU, it refuses to compute from tensors in different memories, to draw
with the CPU's generator, and to become a NumPy array.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "second"
"""The name of the device in torch."""


class _Stream:
    """Work on the device is done when its call returns, so there is nothing to wait for."""

    def synchronize(self) -> None:
        pass


class _Module:
    """What `torch.get_device_module` returns, with as much of `torch.cuda` as is used.

    free: bytes that are free. bf16: whether the device multiplies bfloat16. pinned: how often main memory was pinned.
    """

    Stream = _Stream
    free = 100 * 10**9
    bf16 = False
    pinned = 0

    def is_available(self) -> bool:
        return False  # libraries that look for an accelerator must not find it: other tests run in the same process

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0

    def get_device_name(self, device: Any = None) -> str:
        return "Second device"

    def mem_get_info(self, device: Any = None) -> tuple[int, int]:
        return self.free, self.free

    def is_bf16_supported(self, including_emulation: bool = True) -> bool:
        return self.bf16

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def current_stream(self, device: Any = None) -> _Stream:
        return _Stream()

    def stream(self, stream: _Stream) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext()

    def empty_cache(self) -> None:
        pass

    def get_rng_state(self, device: Any = None) -> torch.Tensor:
        return torch.empty(0)

    def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
        pass

    def manual_seed_all(self, seed: int) -> None:
        pass

    def _is_in_bad_fork(self) -> bool:
        return False


module = _Module()
_setup_privateuseone_for_python_backend(NAME, backend_module=module)
DEVICE = torch.device(NAME, 0)


class _There(torch.Tensor):
    """A tensor on the second device. values: on the CPU."""

    values_: torch.Tensor

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> "_There":
        tensor = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, values.size(), values.stride(), values.storage_offset(), dtype=values.dtype, device=DEVICE
        )
        tensor.values_ = values
        return tensor

    # What every tensor has on a GPU, but subclasses of tensors have not.

    def tolist(self) -> Any:
        return self.values_.tolist()

    def new_tensor(self, data: Any, dtype: torch.dtype | None = None) -> torch.Tensor:  # type: ignore[override]
        return torch.tensor(data, dtype=dtype or self.dtype, device=DEVICE)

    def untyped_storage(self) -> torch.UntypedStorage:
        return self.values_.untyped_storage()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.values_.__reduce_ex__(protocol)

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"{self.values_!r} on {NAME}"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Sequence = (), kwargs: Mapping | None = None) -> Any:
        return _compute(func, *args, **kwargs or {})


def _compute(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Compute an operation on the CPU, after checking that the device could compute it."""
    tensors = [leaf for leaf in pytree.tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, _There)]
    onto = kwargs.get("device")
    is_there = bool(there) if onto is None else torch.device(onto).type == NAME
    _check(func.overloadpacket, tensors, bool(there), is_there, kwargs.get("generator"))
    on_cpu = pytree.tree_map(_on_cpu, (args, kwargs))
    result = func(*on_cpu[0], **on_cpu[1])
    if any(tensor.shape != tensor.values_.shape for tensor in there):
        raise NotImplementedError(f"{func} changes the shape of a tensor on the second device.")
    known = {id(tensor.values_): tensor for tensor in there}

    def bring(part: Any) -> Any:
        if not is_there or not isinstance(part, torch.Tensor):
            return part
        return known[id(part)] if id(part) in known else _There(part)

    return args[0] if func.overloadpacket is torch.ops.aten.copy_ else pytree.tree_map(bring, result)


def _check(
    operation: Any, tensors: list[torch.Tensor], any_there: bool, is_there: bool, generator: torch.Generator | None
) -> None:
    """Raise RuntimeError for what a GPU refuses. Numbers (tensors without dimensions) and indices may be on the CPU."""
    aten = torch.ops.aten
    if is_there and generator is not None:
        raise RuntimeError(f"{operation} draws on the second device with a generator of {generator.device}.")
    if not any_there or operation in (aten.copy_, aten._to_copy, aten._copy_from):
        return
    if isinstance(tensors[0], _There):
        if operation is aten.index:
            return
        if operation in (aten.index_put, aten.index_put_, aten._index_put_impl_):
            tensors = [tensors[0], tensors[-1]]
    if any(not isinstance(tensor, _There) and tensor.ndim for tensor in tensors):
        places = ", ".join(f"{tuple(tensor.shape)} on {tensor.device}" for tensor in tensors)
        raise RuntimeError(f"{operation} got tensors on different devices: {places}.")


def _on_cpu(part: Any) -> Any:
    if isinstance(part, _There):
        return part.values_
    return torch.device("cpu") if isinstance(part, torch.device) else part


def _copy_from(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    _on_cpu(target).copy_(_on_cpu(source))
    return target


def _implement(operation: Any) -> None:
    """Compute a whole operation at once. PyTorch's own steps would change the shape of a tensor."""
    _operations.impl(operation, lambda *args, **kwargs: _compute(operation, *args, **kwargs), "PrivateUse1")


_operations = torch.library.Library("aten", "IMPL")
_operations.impl("_copy_from", _copy_from, "PrivateUse1")
for _packet in (torch.ops.aten.arange, torch.ops.aten.linspace, torch.ops.aten.eye, torch.ops.aten.randperm):
    for _overload in _packet.overloads():
        if not _overload.endswith("out"):
            _implement(getattr(_packet, _overload))
_others = torch.library.Library("_", "IMPL")
_others.fallback(_compute, "PrivateUse1")


@contextlib.contextmanager
def in_use() -> Iterator[torch.device]:
    """Let modules move to and from the device in place, as they do with a GPU, and count what is pinned.

    Offloading assigns a GPU's tensor to the `data` of a parameter on the CPU. PyTorch does not allow that with a
    subclass, so the two exchange their contents.
    """
    base = torch._C.TensorBase.data  # type: ignore[attr-defined]

    def assign(tensor: torch.Tensor, values: torch.Tensor) -> None:
        if not isinstance(tensor, _There) and not isinstance(values, _There):
            base.__set__(tensor, values)
            return
        values = values.detach()
        is_parameter = isinstance(tensor, nn.Parameter)
        torch.utils.swap_tensors(tensor, nn.Parameter(values, tensor.requires_grad) if is_parameter else values)

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        module.pinned += 1
        copy = tensor.clone()
        copy.lies_in_pinned_memory = True  # type: ignore[attr-defined]
        return copy

    module.pinned = 0
    patches: list[tuple[Any, str, Any]] = [
        (torch.Tensor, "data", property(base.__get__, assign)),
        (torch.Tensor, "pin_memory", pin),
        (torch.Tensor, "is_pinned", lambda tensor: hasattr(tensor, "lies_in_pinned_memory")),
        (torch, "_has_compatible_shallow_copy_type", lambda one, other: True),
    ]
    before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in patches]
    try:
        for owner, name, replacement in patches:
            setattr(owner, name, replacement)
        yield DEVICE
    finally:
        for owner, name, original in before:
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
