"""Hydraulics: flows and pressures by nodal Newton with a factorisation made once a topology."""
