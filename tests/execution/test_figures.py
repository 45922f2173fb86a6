"""Figures of matplotlib, pickled by the agent: a copy is the same thing, and looking changes nothing."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest

from jupyter_mlops.execution.agent import figures

pytest.importorskip("matplotlib").use("agg")


class Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        return figures.reduce(obj)


def dumped(value: Any) -> bytes:
    stream = io.BytesIO()
    Pickler(stream, 5).dump(value)
    return stream.getvalue()


def copied(value: Any) -> Any:
    return pickle.loads(dumped(value))


def drawn(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, metadata={"Software": None})
    return stream.getvalue()


@pytest.fixture
def plt() -> Any:
    import matplotlib.pyplot

    yield matplotlib.pyplot
    matplotlib.pyplot.close("all")


def test_pickling_a_figure_twice_gives_the_same(plt: Any) -> None:
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    assert dumped([figure, ax]) == dumped([figure, ax])


def test_a_copy_is_drawn_the_same_and_belongs_together(plt: Any) -> None:
    figure, axes = plt.subplots(2, sharex=True)
    axes[0].plot([1, 2])
    other, others = copied([figure, axes])
    assert others[0].figure is other
    for ax in (axes[1], others[1]):
        ax.set_xlim(3, 4)
    assert others[0].get_xlim() == axes[0].get_xlim() == (3, 4)
    assert drawn(other) == drawn(figure)


def test_a_copy_keeps_callbacks_and_their_numbers(plt: Any) -> None:
    figure, ax = plt.subplots()
    number = ax.callbacks.connect("xlim_changed", print)
    _, other = copied([figure, ax])
    assert other.callbacks.callbacks["xlim_changed"].keys() == {number}
    assert other.callbacks.connect("ylim_changed", print) == ax.callbacks.connect("ylim_changed", print)


def test_a_colour_bar_follows_the_image_of_its_copy(plt: Any) -> None:
    figure, ax = plt.subplots()
    image = ax.imshow([[1, 2], [3, 4]])
    bar = figure.colorbar(image)
    _, other, follower = copied([figure, image, bar])
    other.set_clim(2, 9)
    assert (follower.vmin, follower.vmax) == (2, 9)


def test_an_open_figure_is_open_where_it_is_handed_on_and_none_else(plt: Any) -> None:
    plt.figure(3)
    plt.plot([1])
    plt.figure(7)
    plt.figure(3)
    held = copied(figures.open_figures())
    plt.close("all")
    plt.figure(1)
    figures.set_open_figures(held)
    assert plt.get_fignums() == [3, 7]
    assert plt.gcf().number == 3
    assert len(plt.gca().lines) == 1
    figures.close_figures()
    with pytest.raises(KeyError):
        figures.open_figures()


def test_a_closed_figure_does_not_open_again(plt: Any) -> None:
    figure = plt.figure()
    plt.close(figure)
    copied(figure)
    assert plt.get_fignums() == []


def test_a_canvas_does_not_travel(plt: Any) -> None:
    with pytest.raises(figures.Unpicklable):
        dumped(plt.figure().canvas)
