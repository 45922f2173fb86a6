"""Whether a column holds the same values in another unit: a factor, a shift, a logarithm, the other sign."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

TOLERANCE = 0.15  # mean distance of the quantiles, in interquartile ranges, that still is the same distribution
BETTER = 4.0  # times nearer than without a change of unit
FACTORS = {
    10.0: "10", 100.0: "100", 1000.0: "1000", 1e4: "10,000", 1e6: "1,000,000", 1e9: "1,000,000,000", 12.0: "12",
    24.0: "24", 60.0: "60", 3600.0: "3600", 86400.0: "86,400", 1024.0: "1024", 1048576.0: "1,048,576",
    2.54: "2.54 (inches and centimetres)", 0.3048: "0.3048 (feet and metres)", 1.609344: "1.609 (miles and kilometres)",
    0.45359237: "0.4536 (pounds and kilograms)", 28.349523: "28.35 (ounces and grams)",
    3.785412: "3.785 (gallons and litres)", 4.184: "4.184 (calories and joules)",
    57.29577951: "57.3 (radians and degrees)",
}  # fmt: skip
Change = tuple[str, Callable[[float], float]]


def changes() -> list[Change]:
    """Text and function of every change of unit that is tried, the common ones first."""
    result: list[Change] = [("multiplied by -1", lambda x: -x)]
    for factor, text in FACTORS.items():
        result.append((f"multiplied by {text}", lambda x, f=factor: x * f))  # type: ignore[misc]
        result.append((f"divided by {text}", lambda x, f=factor: x / f))  # type: ignore[misc]
    result += [
        ("converted from Celsius to Fahrenheit", lambda x: x * 1.8 + 32),
        ("converted from Fahrenheit to Celsius", lambda x: (x - 32) / 1.8),
        ("converted from Celsius to Kelvin", lambda x: x + 273.15),
        ("converted from Kelvin to Celsius", lambda x: x - 273.15),
        ("replaced by its natural logarithm", math.log),
        ("replaced by log(1 + x)", math.log1p),
        ("replaced by its logarithm of base 10", math.log10),
        ("replaced by its exponential", math.exp),
        ("replaced by its square root", math.sqrt),
    ]
    return result


def unit_change(reference: Sequence[float | None], current: Sequence[float | None]) -> str | None:
    """The change of unit that turns the reference's quantiles into the current ones, or None.

    :param reference: quantiles in ascending order; None where a profile does not say it.
    """
    pairs = [(a, b) for a, b in zip(reference, current, strict=True) if a is not None and b is not None]
    if len(pairs) < 5 or pairs[0][0] == pairs[-1][0]:
        return None
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    unchanged = _distance(first, second)
    nearest: tuple[float, str] | None = None
    for text, function in changes():
        try:
            mapped = sorted(function(value) for value in first)
        except (ValueError, OverflowError):
            continue
        distance = _distance(mapped, second)
        if distance <= TOLERANCE and distance * BETTER <= unchanged and (nearest is None or distance < nearest[0]):
            nearest = distance, text
    return nearest[1] if nearest else None


def _distance(first: Sequence[float], second: Sequence[float]) -> float:
    """Mean distance of quantiles, in interquartile ranges of the first."""
    spread = spread_of(first)
    if not spread or not math.isfinite(spread):
        return math.inf
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first) / spread


def spread_of(quantiles: Sequence[float]) -> float:
    """The middle half of the range that quantiles span; all of it where that is a single value."""
    size = len(quantiles)
    return (quantiles[(3 * size) // 4] - quantiles[size // 4]) or (quantiles[-1] - quantiles[0])
