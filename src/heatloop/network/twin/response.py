"""How the readings at the taps answer to friction, meter errors and leaks: one interval, linear.

Rows (what is compared): pressure at each port against its piece's reference, water balance of each
piece, make-up. Columns (what may be wrong): logarithm of each link's friction, share each flow
meter is short of the truth, bias of each pressure, old loss of each cell (zone within a piece).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Solver
from heatloop.network.fluid import Fluid
from heatloop.network.model.kinds import Friction
from heatloop.network.model.net import Flags, Ints
from heatloop.network.twin.answers import Answers
from heatloop.network.twin.laws import LinkLaws
from heatloop.network.twin.metered import Piping


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Response:
    """One interval, or the mean of several."""

    miss: Floats
    """Read less expected, nan where not read, shape (n_row,)."""
    jacobian: Floats
    """Of what is expected by the columns, shape (n_row, n_column)."""
    leak: Floats
    """Change of the rows by 1 kg/s lost at each node, shape (n_row, n_node)."""
    flow_kgs: Floats
    """Expected flow of each link, shape (n_link,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where the parts of the columns are."""

    friction: slice
    gain: slice
    bias: slice
    loss: slice
    count: int


def columns_of(piping: Piping) -> Columns:
    """Return the layout of the columns of a piping."""
    a = piping.network.n_link
    b = a + piping.n_meter
    c = b + len(piping.port_node)
    d = c + len(piping.cell_piece)
    return Columns(
        friction=slice(0, a), gain=slice(a, b), bias=slice(b, c), loss=slice(c, d), count=d
    )


def spread_of(piping: Piping, group: Ints, count: int) -> Floats:
    """Return the share of each node in water lost evenly along groups of links, (n_node, count)."""
    net = piping.network
    out = np.zeros((net.n_node, count))
    np.add.at(out, (net.from_node, group), net.length_m)
    np.add.at(out, (net.to_node, group), net.length_m)
    return np.asarray(out / np.maximum(out.sum(axis=0), 1e-9))


class Responder:
    """Linearises a piping at operating points, for given values of the columns.

    Args:
        piping: The piping.
        columns: Values of the columns, shape (n_column,).
        fluid: What flows in it.
        friction: Law of pipe friction.
    """

    def __init__(
        self,
        piping: Piping,
        columns: Floats,
        fluid: Fluid,
        friction: Friction = Friction.COLEBROOK,
    ) -> None:
        self._piping, self._at, self._columns = piping, columns, columns_of(piping)
        scaled = piping.scaled(columns[self._columns.friction])
        self._solver = Solver(scaled, fluid=fluid, friction=friction)
        self._laws = LinkLaws(scaled, fluid, friction)
        self._operation = piping.operation.copy()
        self._spread = spread_of(piping, piping.cell, len(piping.cell_piece))
        self._port_piece = piping.piece[piping.port_node]
        self._is_reference = np.zeros(len(piping.port_node), np.bool_)
        self._is_reference[piping.reference] = True

    @property
    def reference(self) -> Flags:
        """Which ports are references, shape (n_port,)."""
        return self._is_reference

    def respond(
        self,
        flow_kgs: Floats,
        pressure_kpa: Floats,
        makeup_kgs: float,
        c: tuple[float, float],
        lost_kgs: Floats | None = None,
    ) -> Response:
        """Return misses and derivatives of one interval.

        Args:
            flow_kgs: Reading of each flow meter, shape (n_meter,).
            pressure_kpa: Pressure at each port, shape (n_port,).
            makeup_kgs: Make-up.
            c: Temperatures of supply and return water.
            lost_kgs: New leak at each node, shape (n_node,).

        Raises:
            InputError: Flows do not settle, or a reading that is needed is missing.
        """
        pipe, net, part = self._piping, self._piping.network, self._columns
        gain, loss = self._at[part.gain], self._at[part.loss]
        n_port, n_piece = len(pipe.port_node), len(pipe.reference)
        read = pipe.port_sign * flow_kgs[pipe.port_meter]
        fed = read * (1.0 + gain[pipe.port_meter])
        op = self._operation
        op.held_kpa[pipe.port_node[pipe.reference]] = pressure_kpa[pipe.reference]
        free = ~self._is_reference
        lost = np.zeros(net.n_node) if lost_kgs is None else lost_kgs
        op.outflow_kgs[:] = self._spread @ loss + lost
        np.subtract.at(op.outflow_kgs, pipe.port_node[free], fed[free])
        mean_c = pipe.mean_c(*c)
        flows = self._solver.solve(op, mean_c=mean_c)
        answer = Answers(self._solver).to_nodes(pipe.port_node)
        self._laws.prepare(op, mean_c)
        rub = self._laws.rub_kpa(flows.flow_kgs)

        miss = np.empty(n_port + n_piece + 1)
        miss[:n_port] = pressure_kpa - flows.pressure_kpa[pipe.port_node] - self._at[part.bias]
        miss[pipe.reference] = np.nan
        total = np.bincount(self._port_piece, fed, n_piece)
        miss[n_port:-1] = total - np.bincount(pipe.cell_piece, loss, n_piece)
        miss[n_port:-1] -= np.bincount(pipe.piece, lost, n_piece)
        miss[-1] = makeup_kgs - loss.sum() - lost.sum()

        leak = np.empty((len(miss), net.n_node))
        leak[:n_port] = -answer
        leak[n_port:-1] = pipe.piece == np.arange(n_piece)[:, None]
        leak[-1] = 1.0
        jacobian = np.zeros((len(miss), part.count))
        push = self._solver.conductance_kgs_kpa() * rub
        p_leak = leak[:n_port]
        jacobian[:n_port, part.friction] = (
            p_leak[:, net.to_node] - p_leak[:, net.from_node]
        ) * push
        per_port = np.zeros((len(miss), n_port))
        per_port[:n_port] = -p_leak[:, pipe.port_node] * read
        per_port[n_port + self._port_piece, np.arange(n_port)] = -read
        of_meter = jacobian[:, part.gain]
        np.add.at(of_meter.T, pipe.port_meter, per_port.T)
        jacobian[np.arange(n_port), np.arange(part.bias.start, part.bias.stop)] = 1.0
        jacobian[:n_port, part.loss] = p_leak @ self._spread
        jacobian[n_port:-1, part.loss] = pipe.cell_piece == np.arange(n_piece)[:, None]
        jacobian[-1, part.loss] = 1.0
        return Response(miss=miss, jacobian=jacobian, leak=leak, flow_kgs=flows.flow_kgs)
