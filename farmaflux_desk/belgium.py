"""A schematic map of the ten provinces and Brussels, in units of an SVG of WIDTH by HEIGHT."""

from dataclasses import dataclass

from tickets.models import Province

WIDTH, HEIGHT = 280, 230

# Corners as (degrees east, degrees north), few enough to be read across a room. No survey: a sketch of our own.
_CORNERS = {
    Province.WEST_FLANDERS: "2.55,51.09 3.37,51.37 3.45,51.25 3.35,51.0 3.5,50.82 3.2,50.7 2.85,50.72 2.6,50.82",
    Province.EAST_FLANDERS: "3.45,51.25 3.9,51.2 4.25,51.37 4.33,51.2 4.2,51.05 4.0,50.95 4.02,50.77 3.75,50.73 "
    "3.5,50.82 3.35,51.0",
    Province.ANTWERP: "4.25,51.37 4.4,51.48 4.8,51.5 5.1,51.43 5.25,51.27 5.1,51.1 4.85,51.0 4.5,51.03 4.2,51.05 "
    "4.33,51.2",
    Province.LIMBURG: "5.25,51.27 5.55,51.28 5.85,51.15 5.75,50.95 5.7,50.78 5.35,50.72 5.1,50.72 5.1,50.85 "
    "4.85,51.0 5.1,51.1",
    Province.FLEMISH_BRABANT: "4.0,50.95 4.2,51.05 4.5,51.03 4.85,51.0 5.1,50.85 5.1,50.72 4.9,50.76 4.6,50.74 "
    "4.35,50.7 4.02,50.77",
    Province.WALLOON_BRABANT: "4.02,50.77 4.35,50.7 4.6,50.74 4.9,50.76 5.0,50.65 4.7,50.55 4.4,50.53 4.1,50.62",
    Province.HAINAUT: "2.85,50.72 3.2,50.7 3.5,50.82 3.75,50.73 4.02,50.77 4.1,50.62 4.4,50.53 4.6,50.4 4.45,50.25 "
    "4.4,49.97 4.15,49.98 4.1,50.25 3.7,50.32 3.4,50.48 3.15,50.55",
    Province.NAMUR: "4.4,50.53 4.7,50.55 5.0,50.65 5.1,50.45 5.3,50.3 5.1,50.15 5.0,49.85 4.7,50.0 4.4,49.97 "
    "4.45,50.25 4.6,50.4",
    Province.LIEGE: "5.0,50.65 4.9,50.76 5.1,50.72 5.35,50.72 5.7,50.78 6.0,50.78 6.25,50.62 6.4,50.33 6.15,50.15 "
    "5.75,50.25 5.3,50.3 5.1,50.45",
    Province.LUXEMBOURG: "5.3,50.3 5.75,50.25 6.0,50.17 5.85,49.95 5.9,49.6 5.8,49.54 5.45,49.52 5.0,49.8 5.0,49.85 "
    "5.1,50.15",
    # Last: it lies upon Flemish Brabant.
    Province.BRUSSELS: "4.22,50.8 4.42,50.77 4.5,50.88 4.38,50.95 4.24,50.92",
}
# Where the middle of the corners is not the place for a number.
_NUMBERS = {Province.FLEMISH_BRABANT: (4.82, 50.87), Province.HAINAUT: (3.9, 50.52)}


@dataclass(frozen=True)
class Shape:
    """*points*: of an SVG polygon; *x*, *y*: where its number stands."""

    province: Province
    points: str
    x: float
    y: float


def _shape(province: Province, corners: str) -> Shape:
    placed = [_placed(*map(float, corner.split(","))) for corner in corners.split()]
    middle = [sum(axis) / len(placed) for axis in zip(*placed, strict=True)]
    x, y = _placed(*_NUMBERS[province]) if province in _NUMBERS else middle
    return Shape(province, " ".join(f"{x:.0f},{y:.0f}" for x, y in placed), round(x), round(y))


def _placed(east: float, north: float) -> tuple[float, float]:
    return (east - 2.5) * 70, (51.55 - north) * 110


SHAPES = tuple(_shape(province, corners) for province, corners in _CORNERS.items())
