"""Small networks whose answers are known by looking at them."""

from __future__ import annotations

from heatloop.network.model.builder import NetworkBuilder
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation

# Supply side; the return side is the same with `r` and the other way round.
#
#            100 m         100 m
#   A --p1-- B --p2-- C        A: plant, C, D, E: consumers
#            |        |        D-[v]-F: a shut-off valve on both sides
#           p3       p4        B-D 300 m, C-D 100 m
#            |        |
#            +-- D ---+
#                [v]
#                F --p5-- E
PLACES = {"A": (0, 0), "B": (100, 0), "C": (200, 0), "D": (200, -100), "F": (210, -100),
          "E": (300, -100)}  # fmt: skip
PIPES = {
    "p1": ("A", "B", 100.0, 0.2),
    "p2": ("B", "C", 100.0, 0.15),
    "p3": ("B", "D", 300.0, 0.15),
    "p4": ("C", "D", 100.0, 0.15),
    "p5": ("F", "E", 100.0, 0.1),
}
CONSUMERS = {"uC": "C", "uD": "D", "uE": "E"}


def looped(valves: tuple[str, ...] = (), builder: NetworkBuilder | None = None) -> NetworkBuilder:
    """Return the drawn network; `valves` are pipes with a valve at their start on both sides."""
    net = builder or NetworkBuilder()
    for name, (x, y) in PLACES.items():
        net.node(name, x_m=x, y_m=y)
        net.node(f"{name}r", x_m=x, y_m=y, held_kpa=300.0 if name == "A" else float("nan"))
    for name, (start, end, length, wide) in PIPES.items():
        first, last = start, f"{start}r"
        if name in valves:
            for side in ("", "r"):
                net.node(f"{name}{side}.at")
                net.valve(f"{name}{side}.v", f"{start}{side}", f"{name}{side}.at", kvs_m3h=200.0)
            first, last = f"{name}.at", f"{name}r.at"
        size = {"length_m": length, "diameter_m": wide}
        net.pipe(name, first, end, **size)
        net.pipe(f"{name}r", f"{end}r", last, **size)
    net.valve("v", "D", "F", kvs_m3h=200.0)
    net.valve("vr", "Fr", "Dr", kvs_m3h=200.0)
    for name, node in CONSUMERS.items():
        net.flow(name, node, f"{node}r", flow_kgs=2.0, demand_kw=400.0)
    net.lift("plant", "Ar", "A", lift_kpa=300.0, outlet_c=100.0)
    return net


def built(valves: tuple[str, ...] = ()) -> tuple[Network, Operation]:
    """Return `looped`, built."""
    return looped(valves).build()


def two_zones() -> tuple[Network, Operation]:
    """Return a plant, an isolation station (hot, cold) and one consumer behind it."""
    net = NetworkBuilder()
    for name in ("A", "B", "C", "D"):
        net.node(name)
        net.node(f"{name}r", held_kpa=300.0 if name in "AC" else float("nan"))
    net.lift("plant", "Ar", "A", lift_kpa=300.0, outlet_c=110.0)
    size = {"length_m": 100.0, "diameter_m": 0.2}
    net.pipe("p1", "A", "B", **size)
    net.pipe("p1r", "Br", "Ar", **size)
    net.resistance("hot", "B", "Br", resistance_kpa_kgs2=0.5)
    net.node("Cp")
    net.pump("pump", "Cr", "Cp", shutoff_kpa=200.0, fall_kpa_kgs2=0.1)
    net.resistance("cold", "Cp", "C", resistance_kpa_kgs2=0.5)
    net.exchanger(
        "plates", hot="hot", cold="cold", kw_k=50.0, hot_design_kgs=5.0, cold_design_kgs=5.0
    )
    net.pipe("p2", "C", "D", **size)
    net.pipe("p2r", "Dr", "Cr", **size)
    net.flow("user", "D", "Dr", flow_kgs=3.0, demand_kw=200.0)
    return net.build()
