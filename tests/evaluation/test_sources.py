# SPDX-License-Identifier: GPL-3.0-or-later
"""Every drawing is measured against the painted drawing that is nearest to it."""

from server.evaluation.sources import from_keyframes, from_neighbors, stretches


def test_a_drawing_is_colored_from_all_keyframes_the_nearest_first():
    assert from_keyframes(4, [1]) == ((1,), (), (1,), (1,))
    assert from_keyframes(6, [5, 1]) == ((1, 5), (), (1, 5), (1, 5), (5, 1), ())  # drawing 3 lies midway


def test_a_drawing_is_colored_from_the_one_before_and_the_first_from_the_second():
    assert from_neighbors(4) == ((1,), (0,), (1,), (2,))


def test_stretches_give_every_drawing_to_its_nearest_keyframe():
    assert list(stretches(9, [4])) == [(4, range(9))]
    assert list(stretches(9, [8, 0, 4])) == [(0, range(3)), (4, range(3, 7)), (8, range(7, 9))]
    for keyframes in ([0, 1, 2], [3, 8], [2, 5, 6, 9]):
        nearest = {drawing: at for at, stretch in stretches(10, keyframes) for drawing in stretch}
        sources = from_keyframes(10, keyframes)
        assert nearest == {drawing: painted[0] if painted else drawing for drawing, painted in enumerate(sources)}
