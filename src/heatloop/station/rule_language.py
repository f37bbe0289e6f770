"""The small language of edge rules: arithmetic, comparisons, and/or/not, a few functions.

An expression is read as Python would read it, and everything not named here is refused before
anything runs: there are no loops, no assignments, no attribute but a point's own name. Its cost
is the number of its parts, bounded when it is read; running it can never take longer.

A value that is missing makes the whole expression missing (None), it never makes up a number.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from heatloop.kernel.errors import InputError
from heatloop.station.drive_faults import canonical_fault, makes

MAX_TEXT = 600
MAX_PARTS = 120
_MAX_OPEN = 30
Value: TypeAlias = float | bool | None
Values: TypeAlias = Callable[[str], float | None]
_Run: TypeAlias = Callable[[Values], Value]


class RuleFailure(InputError):
    """An expression had its values and still gave none: division by zero, or no finite number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """A checked expression, ready to run."""

    text: str
    """As written."""
    boolean: bool
    """Whether it says yes or no instead of giving a number."""
    names: frozenset[str]
    """Points and derived values it needs."""
    parts: int
    """Its cost."""
    run: Callable[[Values], Value]
    """Gives its value from a function that gives each name's; raises `RuleFailure`."""


def water_kg_per_l(celsius: float) -> float:
    """Return the density of water, kg/L, from 0 to 150 degC.

    Reference: Kell's fit of 1975 (doi 10.1021/je60064a005).
    """
    t = celsius
    over = 999.83952 + t * (
        16.945176
        + t * (-7.9870401e-3 + t * (-46.170461e-6 + t * (105.56302e-9 - t * 280.54253e-12)))
    )
    return over / (1.0 + 16.87985e-3 * t) / 1000.0


# name -> (number of arguments or -1 for two and more, what it does with numbers)
_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "min": (-1, min),
    "max": (-1, max),
    "abs": (1, abs),
    "clamp": (3, lambda value, low, high: min(max(value, low), high)),
    "water_kg_per_l": (1, water_kg_per_l),
    # 1.163 kWh a tonne and kelvin; the meter stands in the return.
    "heat_kw": (3, lambda m3h, hot, cold: 1.163 * m3h * (hot - cold) * water_kg_per_l(cold)),
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}


def read(text: str, known: Mapping[str, bool], *, boolean: bool | None = None) -> Expression:
    """Return a checked expression.

    Args:
        text: What somebody wrote.
        known: Names it may use -> whether each is a yes or no.
        boolean: What it must be: a yes or no, or a number; None for either.

    Raises:
        InputError: It is no expression of this language, or uses what is not known.
    """
    if len(text) > MAX_TEXT or text.count("(") > _MAX_OPEN or "\\" in text:
        raise _refused(text, f"is longer than {MAX_TEXT} characters or nested too deeply")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python would only frown at is refused below
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _refused(text, "is no expression") from error
    reader = _Reader(text, known)
    run, kind = reader.read(tree)
    if boolean is not None and kind is not boolean:
        raise _refused(text, "must say yes or no" if boolean else "must give a number")
    return Expression(
        text=text, boolean=kind, names=frozenset(reader.names), parts=reader.parts, run=run
    )


def _refused(text: str, why: str) -> InputError:
    return InputError(
        f"expression {why}", thing=text[:80], fix="see the page about edge rules for the language"
    )


class _Reader:
    """Turns one tree into functions, counting its parts and checking every type on the way."""

    def __init__(self, text: str, known: Mapping[str, bool]) -> None:
        self._text, self._known = text, known
        self.names: set[str] = set()
        self.parts = 0

    def read(self, node: ast.expr) -> tuple[_Run, bool]:
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise _refused(self._text, f"has more than {MAX_PARTS} parts")
        match node:
            case ast.Constant(value=bool() as yes):
                return (lambda _: yes), True
            case ast.Constant(value=int() | float() as number) if math.isfinite(number):
                constant = float(number)
                return (lambda _: constant), False
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=ast.Name(id=asset), attr=kind):
                return self._name(f"{asset}.{kind}")
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self._call(name, args)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return _lifted(lambda a: not a, [self._typed(inner, True)]), True
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return _lifted(lambda a: -a, [self._typed(inner, False)]), False
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                sides = [self._typed(left, False), self._typed(right, False)]
                return _lifted(_ARITHMETIC[type(op)], sides), False
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                sides = [self._typed(left, False), self._typed(right, False)]
                return _lifted(_COMPARE[type(op)], sides), True
            case ast.BoolOp(op=op, values=values):
                return self._logic([self._typed(v, True) for v in values], type(op) is ast.And)
        raise _refused(self._text, f"uses what the language has not: {ast.unparse(node)[:40]}")

    def _typed(self, node: ast.expr, boolean: bool) -> _Run:
        run, kind = self.read(node)
        if kind is not boolean:
            wanted = "a yes or no" if boolean else "a number"
            raise _refused(self._text, f"needs {wanted} at: {ast.unparse(node)[:40]}")
        return run

    def _name(self, name: str) -> tuple[_Run, bool]:
        if name not in self._known:
            raise _refused(self._text, f"names what this gateway has not: {name[:60]}")
        self.names.add(name)
        if self._known[name]:
            return (lambda values: _as_bool(values(name))), True
        return (lambda values: values(name)), False

    def _call(self, name: str, args: list[ast.expr]) -> tuple[_Run, bool]:
        match name, args:
            case "point", [ast.Constant(value=str() as code)]:
                return self._name(code)  # codes with a number after a dot
            case "drive_fault", [ast.Constant(value=str() as make), inner] if make in makes():
                run = self._typed(inner, False)
                return _lifted(lambda raw: float(canonical_fault(make, int(raw))), [run]), False
            case "if_else", [test, yes, no]:
                asked = self._typed(test, True)
                run, kind = self.read(yes)
                return _chosen(asked, run, self._typed(no, kind)), kind
        count, function = _FUNCTIONS.get(name, (0, abs))
        if len(args) != count and not (count < 0 and len(args) >= 2):
            raise _refused(self._text, f"has no such function with {len(args)} values: {name[:40]}")
        return _lifted(function, [self._typed(a, False) for a in args]), False

    @staticmethod
    def _logic(runs: list[_Run], every: bool) -> tuple[_Run, bool]:
        def decide(values: Values) -> Value:
            found = [run(values) for run in runs]
            # One certain no decides an `and` whatever is missing; one certain yes an `or`.
            if (not every) in found:
                return not every
            return None if None in found else every

        return decide, True


def _as_bool(value: float | None) -> Value:
    return None if value is None else bool(value)


def _chosen(asked: _Run, yes: _Run, no: _Run) -> _Run:
    def choose(values: Values) -> Value:
        test = asked(values)
        return None if test is None else (yes if test else no)(values)

    return choose


def _lifted(function: Callable[..., float | bool], runs: list[_Run]) -> _Run:
    """Return a function on values made of one on numbers: missing in, missing out."""

    def run(values: Values) -> Value:
        found = [each(values) for each in runs]
        if None in found:
            return None
        try:
            result = function(*found)
        except (ArithmeticError, ValueError) as error:
            raise RuleFailure(f"expression fails: {error}") from error
        if not math.isfinite(result):
            raise RuleFailure("expression gives no finite number")
        return result

    return run
