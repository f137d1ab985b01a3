# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages: what is built is valid, survives the wire, and errors name the field."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import from_json, to_json
from shared.digests import address_of, is_address
from shared.manifest import Keyframe, ShotManifest
from shared.protocol import Problem, ProtocolError
from shared.server_info import Limits, PresetInfo, ServerInfo
from shared.status import JobStatus

DRAWINGS = tuple(address_of(name) for name in (b"one", b"two", b"three"))
PAINTED = address_of(b"painted")
SHOT = ShotManifest(
    name="Shot 10 · café",
    frame_start=101,
    fps=24.0,
    width=960,
    height=540,
    drawings=DRAWINGS,
    timing=(0, 0, 1, 1, 2),
    keyframes=(Keyframe(103, PAINTED),),
)
STATUS = JobStatus(
    id="6f1c",
    name="Shot 10",
    state="failed",
    preset="tiny",
    frame_start=101,
    frame_end=105,
    segments_done=1,
    segments_total=2,
    progress=0.5,
    frames_done=(103, 104),
    created=1.5e9,
    problem=Problem(409, "missing_blobs", "Upload the missing images first.", "drawings", DRAWINGS[:1]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(DRAWINGS),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
INFO = ServerInfo("0.1.0", 1, (PresetInfo("tiny", "Tiny", "MIT", 10),), ("cpu",), Limits(1, 2, 3), 0)


@pytest.mark.parametrize("message", [SHOT, replace(SHOT, parent="a1", finish="painted"), STATUS, INFO])
def test_a_message_comes_back_from_json_as_it_was(message: Any) -> None:
    assert from_json(type(message), json.loads(json.dumps(to_json(message)))) == message


def test_the_range_and_the_uploads_follow_from_the_manifest() -> None:
    assert SHOT.frame_end == 105
    assert SHOT.exposure.first_frame_of(2) == 105
    assert SHOT.blobs == (*DRAWINGS, PAINTED)


def test_an_image_used_twice_is_uploaded_once() -> None:
    assert replace(SHOT, keyframes=(Keyframe(103, DRAWINGS[0]),)).blobs == DRAWINGS


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"timing": ()}, "empty_range", "timing"),
        ({"drawings": ()}, "no_drawings", "drawings"),
        ({"keyframes": ()}, "no_keyframe", "keyframes"),
        ({"width": 0}, "bad_size", "width"),
        ({"height": -1}, "bad_size", "width"),
        ({"fps": 0.0}, "bad_fps", "fps"),
        ({"drawings": (*DRAWINGS[:2], "../etc/passwd")}, "bad_address", "drawings.2"),
        ({"timing": (0, 1, 3)}, "bad_timing", "timing.2"),
        ({"timing": (0, 1, -1)}, "bad_timing", "timing.2"),
        ({"timing": (0, 0, 1)}, "bad_timing", "timing"),
        ({"keyframes": (Keyframe(100, PAINTED),)}, "keyframe_outside", "keyframes.0.frame"),
        ({"keyframes": (Keyframe(101, PAINTED), Keyframe(106, PAINTED))}, "keyframe_outside", "keyframes.1.frame"),
        ({"keyframes": (Keyframe(101, PAINTED), Keyframe(102, PAINTED))}, "keyframe_twice", "keyframes.1.frame"),
        ({"finish": "oil"}, "bad_finish", "finish"),
    ],
)
def test_a_shot_that_cannot_be_colored_is_refused_by_code_and_field(
    change: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(ProtocolError) as caught:
        replace(SHOT, **change)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["name", "frame_start", "timing", "keyframes"])
def test_a_missing_field_is_named(name: str) -> None:
    value = to_json(SHOT)
    del value[name]
    with pytest.raises(ProtocolError) as caught:
        from_json(ShotManifest, value)
    assert (caught.value.code, caught.value.field) == ("missing_field", name)


@pytest.mark.parametrize(
    ("path", "wrong", "field"),
    [
        (("width",), "960", "width"),
        (("width",), True, "width"),
        (("width",), 960.5, "width"),
        (("fps",), None, "fps"),
        (("name",), 7, "name"),
        (("timing",), "00112", "timing"),
        (("timing", 1), "0", "timing.1"),
        (("timing", 1), False, "timing.1"),
        (("keyframes", 0), [], "keyframes.0"),
        (("keyframes", 0, "frame"), 1.0, "keyframes.0.frame"),
        (("finish",), "oil", "finish"),
        (("parent",), 3, "parent"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_by_its_path(path: tuple[Any, ...], wrong: object, field: str) -> None:
    value: Any = json.loads(json.dumps(to_json(SHOT)))
    target = value
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = wrong
    with pytest.raises(ProtocolError) as caught:
        from_json(ShotManifest, value)
    assert caught.value.field == field


@pytest.mark.parametrize("value", [None, [], "shot", 3])
def test_what_is_not_an_object_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError, match="must be an object"):
        from_json(ShotManifest, value)


@given(changes=st.dictionaries(st.sampled_from(sorted(to_json(SHOT))), JSON))
def test_whatever_arrives_is_a_message_or_a_protocol_error(changes: dict[str, Any]) -> None:
    try:
        shot = from_json(ShotManifest, {**to_json(SHOT), **changes})
    except ProtocolError as error:
        assert error.field
    else:
        assert from_json(ShotManifest, to_json(shot)) == shot


def test_fields_of_a_newer_side_are_ignored() -> None:
    assert from_json(ShotManifest, {**to_json(SHOT), "lighting": "dusk"}) == SHOT


def test_a_license_is_given_and_taken_under_its_old_name_too() -> None:
    new = to_json(PresetInfo("tiny", "Tiny", "MIT", 10))
    assert new["license"] == new["licence"] == "MIT"
    for lacking in ("license", "licence"):
        value = {name: new[name] for name in new if name != lacking}
        assert from_json(PresetInfo, value) == PresetInfo("tiny", "Tiny", "MIT", 10)


def test_fields_with_a_default_may_be_left_out() -> None:
    value = to_json(SHOT)
    for name in ("preset", "prompt", "seed", "finish", "parent"):
        del value[name]
    assert from_json(ShotManifest, value) == SHOT


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "../" + "a" * 61, None, 5])
def test_only_64_lower_case_hexadecimal_digits_are_an_address(text: object) -> None:
    assert not is_address(text)
    assert is_address(address_of(b""))
